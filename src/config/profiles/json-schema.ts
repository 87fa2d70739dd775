import type { OptionRow } from '../options/row.ts';
import { GATE_ROWS, TARGET_ROWS } from './gate-form.ts';
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
    properties: {
      profiles,
      gates: entriesOf(GATE_ROWS, 'ssh servers that lead to a network behind them: tshuttle gate add'),
      targets: entriesOf(TARGET_ROWS, 'servers behind gates: tshuttle target add'),
    },
    anyOf: [{ required: ['profiles'] }, { required: ['gates'] }, { required: ['targets'] }],
    additionalProperties: false,
    title: 'tshuttle profiles',
    $schema: 'http://json-schema.org/draft-07/schema#',
  };
}

const TEXT = { type: 'string', minLength: 1, pattern: PRINTABLE_TEXT.source };

function entriesOf(
  rows: Readonly<Record<string, { readonly description: string; readonly isRequired?: true }>>,
  description: string,
): object {
  const keys = Object.entries(rows);
  return {
    type: 'object',
    propertyNames: { type: 'string', pattern: PROFILE_NAME.source },
    additionalProperties: {
      type: 'object',
      properties: Object.fromEntries(
        keys.map(([key, row]) => [key, { ...TEXT, description: row.description }]),
      ),
      required: keys.flatMap(([key, { isRequired }]) => (isRequired ? [key] : [])),
      additionalProperties: false,
    },
    maxProperties: MAX_PROFILES,
    description,
  };
}

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
    case 'several':
      return {
        anyOf: [TEXT, { type: 'array', minItems: 1, items: { ...TEXT, description: row.item } }],
        description,
      };
    case 'list':
    case 'commas':
      return { type: 'array', items: { ...TEXT, description: row.item }, description };
  }
}
