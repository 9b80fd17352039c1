/** JSON Schemas on the docs page: a list of fields, each with its type and rules. */

import { COMPONENTS_PATH, type JsonSchema } from '@qrcast/core/contract/json-schema';
import { type Html, html, inline } from '../http/html.ts';

export type Schemas = Readonly<Record<string, JsonSchema>>;

export interface Field {
  readonly name: string;
  readonly schema: JsonSchema;
  readonly isRequired: boolean;
  readonly description: string;
}

/** The fields of an object. A reference is followed to its component. */
export function fieldsOf(schema: JsonSchema, schemas: Schemas): readonly Field[] {
  const { properties = {}, required = [] } = resolved(schema, schemas) as {
    properties?: Readonly<Record<string, JsonSchema>>;
    required?: readonly string[];
  };
  return Object.entries(properties).map(([name, field]) => ({
    name,
    schema: field,
    isRequired: required.includes(name),
    description: descriptionOf(field, schemas),
  }));
}

export function fieldList(fields: readonly Field[], schemas: Schemas): Html {
  const rows = fields.map(({ name, schema, isRequired, description }) => {
    const inner = fieldsInside(schema, schemas);
    return html`<div>
<dt><code>${name}</code> <span class="type">${typeOf(schema, schemas)}</span>${isRequired ? null : html` <span class="optional">optional</span>`}</dt>
<dd>${inline(description)}${rulesOf(schema)}${inner.length === 0 ? null : fieldList(inner, schemas)}</dd>
</div>`;
  });
  return html`<dl class="fields">${rows}</dl>`;
}

/** The fields of an unnamed object. Named ones are described elsewhere on the page. */
function fieldsInside(schema: JsonSchema, schemas: Schemas): readonly Field[] {
  const bare = withoutNull(schema);
  if (bare['type'] === 'object') return fieldsOf(bare, schemas);
  const items = bare['items'] as JsonSchema | undefined;
  return items?.['type'] === 'object' ? fieldsOf(items, schemas) : [];
}

/**
 * The component that the schema refers to; null if it refers to none. If the reference has a
 * description of its own, the older dialect wraps it in `allOf`.
 */
export function nameOf(schema: JsonSchema): string | null {
  const [wrapped] = (schema['allOf'] ?? []) as readonly JsonSchema[];
  const pointer = schema['$ref'] ?? wrapped?.['$ref'];
  return typeof pointer === 'string' && pointer.startsWith(COMPONENTS_PATH) ? pointer.slice(COMPONENTS_PATH.length) : null;
}

function resolved(schema: JsonSchema, schemas: Schemas): JsonSchema {
  const name = nameOf(schema);
  return name === null ? schema : (schemas[name] ?? {});
}

export function schemaLink(name: string): Html {
  return html`<a href="#schema-${name}">${name}</a>`;
}

function typeOf(schema: JsonSchema, schemas: Schemas): Html {
  const name = nameOf(schema);
  if (name !== null) return schemaLink(name);
  const choices = schema['anyOf'] as readonly JsonSchema[] | undefined;
  if (choices !== undefined) return html`${choices.map((one, i) => html`${i === 0 ? '' : ' or '}${typeOf(one, schemas)}`)}`;
  if (schema['const'] !== undefined) return html`${JSON.stringify(schema['const'])}`;
  if (schema['enum'] !== undefined)
    return html`${(schema['enum'] as readonly unknown[]).map((value) => JSON.stringify(value)).join(' or ')}`;
  const type = schema['type'];
  if (type === 'array') return html`list of ${typeOf((schema['items'] ?? {}) as JsonSchema, schemas)}`;
  return html`${Array.isArray(type) ? type.join(' or ') : String(type ?? 'any')}`;
}

function descriptionOf(schema: JsonSchema, schemas: Schemas): string {
  const own = schema['description'] ?? withoutNull(schema)['description'] ?? resolved(schema, schemas)['description'];
  return typeof own === 'string' ? own : '';
}

function withoutNull(schema: JsonSchema): JsonSchema {
  const choices = (schema['anyOf'] ?? []) as readonly JsonSchema[];
  return choices.length === 2 && choices[1]?.['type'] === 'null' ? (choices[0] ?? {}) : schema;
}

/** A longer pattern tells a reader less than the description. */
const PATTERN_LENGTH = 40;

function rulesOf(schema: JsonSchema): Html | null {
  const { pattern, default: preset } = schema;
  const rules = [
    rangeOf(schema, 'minLength', 'maxLength', ' characters'),
    rangeOf(schema, 'minItems', 'maxItems', ' entries'),
    rangeOf(schema, 'minimum', 'maximum', ''),
  ].filter((rule) => rule !== null);
  const shown = [
    ...rules.map((rule) => html`${rule}`),
    ...(typeof pattern === 'string' && pattern.length <= PATTERN_LENGTH ? [html`matches <code>${pattern}</code>`] : []),
    ...(preset === undefined ? [] : [html`default <code>${JSON.stringify(preset)}</code>`]),
  ];
  return shown.length === 0 ? null : html`<span class="rules">${shown.map((rule, i) => html`${i === 0 ? '' : ', '}${rule}`)}</span>`;
}

function rangeOf(schema: JsonSchema, least: string, most: string, unit: string): string | null {
  const [min, max] = [schema[least], schema[most]];
  if (min === undefined && max === undefined) return null;
  if (max === undefined) return `at least ${min}${unit}`;
  return min === undefined ? `at most ${max}${unit}` : `${min} to ${max}${unit}`;
}
