import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { profileFileSchema } from '../../../../src/config/profiles/json-schema.ts';

test('an editor refuses by the JSON Schema what tshuttle refuses, and takes what it takes', () => {
  const validate = new Ajv().compile(profileFileSchema());
  const profile = { remote: 'h', subnets: ['10.0.0.0/8'], connections: 2 };
  expect(validate({ profiles: { office: profile } })).toBe(true);
  expect(validate({ profiles: { office: { ...profile, connections: 17 } } })).toBe(false);
  expect(validate({ profiles: { office: { ...profile, subnet: [] } } })).toBe(false);
  expect(validate({ profiles: { 'two words': profile } })).toBe(false);
});
