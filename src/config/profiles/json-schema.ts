import type { OptionRow } from '../options/row.ts';
import { MAX_PROFILES, PRINTABLE_TEXT, PROFILE_NAME, PROFILE_ROWS } from './profile-form.ts';

/** The JSON Schema of `config.yaml` and `.tshuttle.yaml`, for editors: what {@link checkProfileFile} checks. */
export function profileFileSchema(): object {
  const rows = [...PROFILE_ROWS];
  const profile = {
    type: 'object',
    properties: Object.fromEntries(rows.map(([key, row]) => [key, schemaOf(row, row.profile.description)])),
    required: rows.flatMap(([key, row]) => ('required' in row ? [key] : [])),
    additionalProperties: false,
    description: 'one tunnel: tshuttle up NAME',
  };
  const profiles = {
    type: 'object',
    propertyNames: { type: 'string', pattern: PROFILE_NAME.source },
    additionalProperties: profile,
    maxProperties: MAX_PROFILES,
    description: 'tunnels by their names',
  };
  return {
    type: 'object',
    properties: { profiles },
    required: ['profiles'],
    additionalProperties: false,
    title: 'tshuttle profiles',
    $schema: 'http://json-schema.org/draft-07/schema#',
  };
}

const TEXT = { type: 'string', minLength: 1, pattern: PRINTABLE_TEXT.source };

function schemaOf(row: OptionRow, description: string): object {
  switch (row.kind) {
    case 'flag':
      return { type: 'boolean', description };
    case 'count':
      return { type: 'integer', minimum: 0, maximum: row.most, description };
    case 'number':
      return { type: 'integer', minimum: row.least, maximum: row.most, description };
    case 'choice':
      return { type: 'string', enum: row.choices, description };
    case 'text':
      return { ...TEXT, description };
    case 'optional':
      return { anyOf: [{ ...TEXT, description }, { const: true }], description };
    case 'list':
    case 'commas':
      return { type: 'array', items: { ...TEXT, description: row.item }, description };
  }
}
