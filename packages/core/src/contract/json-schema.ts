/**
 * Makes the JSON Schemas of the generated documents from zod schemas. A schema with an id (`meta({
 * id })`) becomes a component, and the others point to it. Responses stay open, because fields may
 * be added within v1. Requests are closed: unknown fields are refused.
 */

import { z } from 'zod';
import { ENUM_WORDS } from './words.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** OpenAPI 3.1 uses the newer dialect, AsyncAPI 3.0 without a `schemaFormat` the older one. */
export type Dialect = 'draft-2020-12' | 'draft-07';

export interface SchemaComponents {
  /** The schema of what a caller may send. */
  request(schema: z.ZodType): JsonSchema;
  /** The schema of what the server sends, and of a parsed query parameter. */
  answer(schema: z.ZodType): JsonSchema;
  /** All components that the schemas made so far point to, by id. */
  all(): Readonly<Record<string, JsonSchema>>;
}

/** The member in which a dialect keeps the schemas that others point to. */
const DEFINITIONS = { 'draft-2020-12': '$defs', 'draft-07': 'definitions' } as const;

export const COMPONENTS_PATH = '#/components/schemas/';

export function createSchemaComponents(target: Dialect): SchemaComponents {
  const components = new Map<string, JsonSchema>();

  function convert(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
    const { $schema, '~standard': _, ...root } = z.toJSONSchema(schema, { target, io, override: (at) => tidy(at, io) });
    const { [DEFINITIONS[target]]: definitions = {}, ...rest } = root;
    for (const [id, component] of Object.entries(definitions as Readonly<Record<string, JsonSchema>>)) {
      const words = ENUM_WORDS[id];
      const told = { ...component, ...(words === undefined ? {} : { 'x-enumDescriptions': words }) };
      add(id, repoint(OPEN_ENUMS.has(id) ? opened(told) : told) as JsonSchema);
    }
    return repoint(rest) as JsonSchema;
  }

  function add(id: string, component: JsonSchema): void {
    const known = components.get(id);
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(component))
      throw new Error(`two schemas have the id ${id}, or one that differs as a request and as an answer; give them ids of their own`);
    components.set(id, component);
  }

  return {
    request: (schema) => convert(schema, 'input'),
    answer: (schema) => convert(schema, 'output'),
    all: () => Object.fromEntries([...components].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** The enums to which values may be added within v1. */
const OPEN_ENUMS: ReadonlySet<string> = new Set(['NoticeCode', 'CallbackType', 'WebhookFindingCode']);

/**
 * Allows the known values and any other: a client that checks responses against this document must
 * not refuse a newer value.
 */
function opened({ type, enum: words, ...rest }: JsonSchema): JsonSchema {
  return { ...rest, anyOf: [{ type, enum: words }, { type }] };
}

/** The known values of an enum, open or not; null for other schemas. */
export function wordsOf(schema: JsonSchema): readonly string[] | null {
  const [known] = (schema['anyOf'] ?? [schema]) as readonly JsonSchema[];
  return (known?.['enum'] as readonly string[] | undefined) ?? null;
}

/**
 * Removes what zod adds by itself: `additionalProperties: false` in responses, and the bounds of a
 * safe integer.
 */
function tidy({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }, io: 'input' | 'output'): void {
  if (io === 'output') delete jsonSchema.additionalProperties;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
}

/**
 * Returns the same schema with its pointers to the document's components. The older dialect wraps
 * each pointer in `allOf`, which is not needed if the pointer is alone.
 */
function repoint(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(repoint);
  if (typeof value !== 'object' || value === null) return value;
  if ('allOf' in value && Array.isArray(value.allOf) && value.allOf.length === 1 && Object.keys(value).length === 1)
    return repoint(value.allOf[0]);
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === '$ref' && typeof inner === 'string' ? inner.replace(/^#\/(\$defs|definitions)\//, COMPONENTS_PATH) : repoint(inner),
    ]),
  );
}
