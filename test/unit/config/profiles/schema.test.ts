import { readFile } from 'node:fs/promises';
import { toJsonSchema } from '@valibot/to-json-schema';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { profileFileSchema } from '../../../../src/config/profiles/schema.ts';

const SHIPPED = new URL('../../../../src/config/profiles/config.schema.json', import.meta.url);

test('the JSON Schema for editors is what profiles are checked with (vitest -u writes it)', async () => {
  const schema = toJsonSchema(profileFileSchema, { errorMode: 'ignore' });
  await expect(`${JSON.stringify(schema, undefined, 2)}\n`).toMatchFileSnapshot(SHIPPED.pathname);
});

test('an editor refuses by it what tshuttle refuses, and takes what it takes', async () => {
  const validate = new Ajv().compile(JSON.parse(await readFile(SHIPPED, 'utf8')) as object);
  const profile = { remote: 'h', subnets: ['10.0.0.0/8'], connections: 2 };
  expect(validate({ profiles: { office: profile } })).toBe(true);
  expect(validate({ profiles: { office: { ...profile, connections: 17 } } })).toBe(false);
  expect(validate({ profiles: { office: { ...profile, subnet: [] } } })).toBe(false);
  expect(validate({ profiles: { 'two words': profile } })).toBe(false);
});
