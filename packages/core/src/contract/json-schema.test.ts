import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { callbackTypeSchema } from '../callback.ts';
import { createSessionSchema, readSessionSchema } from '../requests.ts';
import { webhookSchema } from '../webhook-check.ts';
import { formatSchema, sessionStateSchema, wireSessionSchema } from '../wire.ts';
import { createSchemaComponents, type Dialect, wordsOf } from './json-schema.ts';

const DIALECTS: readonly Dialect[] = ['draft-2020-12', 'draft-07'];

describe.each(DIALECTS)('in %s', (dialect) => {
  test('a schema with an id becomes a component, and so do those inside it', () => {
    const components = createSchemaComponents(dialect);
    expect(components.answer(z.object({ session: wireSessionSchema }))).toEqual({
      type: 'object',
      properties: { session: { $ref: '#/components/schemas/Session' } },
      required: ['session'],
    });
    expect(Object.keys(components.all())).toEqual([
      'Account',
      'Code',
      'End',
      'EndReason',
      'Notice',
      'NoticeCode',
      'Session',
      'SessionState',
    ]);
    expect(JSON.stringify(components.all())).not.toMatch(/\$defs|definitions|\$schema|9007199254740991/);
    expect(components.all()['SessionState']).toMatchObject({ 'x-enumDescriptions': { idle: expect.any(String) } });
  });

  test('answers stay open and requests closed', () => {
    const components = createSchemaComponents(dialect);
    components.answer(wireSessionSchema);
    components.request(createSessionSchema);
    expect(components.all()['Session']).not.toHaveProperty('additionalProperties');
    expect(components.all()['CreateSession']).toMatchObject({ additionalProperties: false });
  });

  test('a strict part of an answer stays open, too', () => {
    const { properties } = createSchemaComponents(dialect).answer(z.object({ limits: z.strictObject({}) }));
    expect(properties).toEqual({ limits: { type: 'object', properties: {} } });
  });

  test('a component may be used again, and one without words for its values has none', () => {
    const components = createSchemaComponents(dialect);
    expect(components.answer(wireSessionSchema)).toEqual(components.answer(wireSessionSchema));
    expect(components.all()['Account']).not.toHaveProperty('x-enumDescriptions');
  });

  test('a pointer stands alone, unless there is more to say', () => {
    const components = createSchemaComponents(dialect);
    const FORMAT = { $ref: '#/components/schemas/Format' };
    const { properties } = components.answer(
      z.object({
        optional: formatSchema.optional(),
        described: formatSchema.describe('Words of its own'),
        both: z.intersection(formatSchema, sessionStateSchema),
        $ref: z.string().describe('#/definitions/Format'),
      }),
    );
    expect(properties).toEqual({
      optional: FORMAT,
      described: { description: 'Words of its own', ...(dialect === 'draft-07' ? { allOf: [FORMAT] } : FORMAT) },
      both: { allOf: [FORMAT, { $ref: '#/components/schemas/SessionState' }] },
      $ref: { type: 'string', description: '#/definitions/Format' },
    });
  });

  test('bounds and nulls are kept', () => {
    const schema = z.object({ size: z.number().int().min(1).max(5), name: z.string().nullable().default(null) });
    expect(createSchemaComponents(dialect).answer(schema)['properties']).toEqual({
      size: { type: 'integer', minimum: 1, maximum: 5 },
      name: { type: ['string', 'null'], default: null },
    });
  });

  test.each([
    ['CallbackType', callbackTypeSchema],
    ['WebhookFindingCode', webhookSchema],
  ])('%s may grow', (id, schema) => {
    const components = createSchemaComponents(dialect);
    components.answer(z.array(schema));
    expect(components.all()[id]).toMatchObject({ anyOf: [{ enum: expect.any(Array) }, { type: 'string' }] });
  });

  test('an enum that may grow lists its values and stays open', () => {
    const components = createSchemaComponents(dialect);
    components.answer(wireSessionSchema);
    const { NoticeCode, SessionState } = components.all();
    expect(NoticeCode).toMatchObject({ anyOf: [{ enum: expect.arrayContaining(['login_finishing']) }, { type: 'string' }] });
    expect(wordsOf(NoticeCode ?? {})).toContain('provider_timeout');
    expect(SessionState).toMatchObject({ enum: expect.arrayContaining(['showing']) });
    expect(wordsOf({ type: 'string' })).toBeNull();
  });

  test('a query is described by its parsed type', () => {
    const { properties } = createSchemaComponents(dialect).answer(readSessionSchema);
    expect(properties).toMatchObject({ wait: { type: 'number', default: 0 }, formats: { type: 'array' }, visible: { type: 'boolean' } });
  });

  test('two schemas with the same name are refused', () => {
    const components = createSchemaComponents(dialect);
    const both = z.strictObject({ size: z.string().transform(Number).pipe(z.number()) }).meta({ id: `Both-${dialect}` });
    components.request(both);
    expect(() => components.answer(both)).toThrow(/two schemas have the id Both/);
  });
});

test('the documented pattern of a phone accepts what the schema accepts', () => {
  const components = createSchemaComponents('draft-2020-12');
  components.request(createSessionSchema);
  const { pattern } = (components.all()['CreateSession'] as { properties: { expectedPhone: { pattern: string } } }).properties
    .expectedPhone;
  const likePhones = fc.string({ unit: fc.constantFrom('+', ' ', '(', ')', '-', '\t', '1', '7', '9', 'x', '.'), maxLength: 20 });
  fc.assert(
    fc.property(likePhones, (phone) => {
      const { success } = createSessionSchema.safeParse({ instanceId: '1101000001', apiToken: 'abcdefgh', expectedPhone: phone });
      if (success) expect(phone).toMatch(new RegExp(pattern, 'u'));
    }),
    { numRuns: 2_000, examples: [['+7 (900) 000-00-00'], ['tel:+79001234567'], [' +7 900\u00a0123\u201145\u201167']] },
  );
  // Only the form that people get wrong is checked. A pattern cannot say what a number means.
  for (const phone of ['123456', '0079001234567', 'call me', '+79001234567 ext. 5']) expect(phone).not.toMatch(new RegExp(pattern, 'u'));
});
