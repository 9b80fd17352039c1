/**
 * JSON Schemas of zod schemas for the generated documents. A schema with an id (`meta({ id })`) becomes a component, which the others
 * point to. Answers stay open (fields may be added within v1), requests closed (unknown fields are refused).
 */

import { z } from 'zod';
import { ENUM_WORDS } from './words.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** OpenAPI 3.1 speaks the newer dialect, AsyncAPI 3.0 without a `schemaFormat` the older one. */
export type Dialect = 'draft-2020-12' | 'draft-07';

export interface SchemaComponents {
  /** What a caller may send. */
  request(schema: z.ZodType): JsonSchema;
  /** What the server sends, and what a parsed query parameter is. */
  answer(schema: z.ZodType): JsonSchema;
  /** All components that were pointed to so far, by id. */
  all(): Readonly<Record<string, JsonSchema>>;
}

/** Where a dialect keeps what is pointed to. */
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

/** Words that more may be added to within v1. */
const OPEN_ENUMS: ReadonlySet<string> = new Set(['NoticeCode', 'CallbackType', 'WebhookFindingCode']);

/** The words that are known, or any other: a client that checks answers against this document must not refuse a newer one. */
function opened({ type, enum: words, ...rest }: JsonSchema): JsonSchema {
  return { ...rest, anyOf: [{ type, enum: words }, { type }] };
}

/** The known words of an enum, also of an open one; null for other schemas. */
export function wordsOf(schema: JsonSchema): readonly string[] | null {
  const [known] = (schema['anyOf'] ?? [schema]) as readonly JsonSchema[];
  return (known?.['enum'] as readonly string[] | undefined) ?? null;
}

/** Takes away what zod adds for itself: closed answers, and the bounds of a safe integer. */
function tidy({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }, io: 'input' | 'output'): void {
  if (io === 'output') delete jsonSchema.additionalProperties;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
}

/** The same schema with its pointers aimed at the document's components. The older dialect wraps each; alone it need not be. */
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
