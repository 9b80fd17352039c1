/**
 * The names and words of both generated documents. A client library made from them names its types
 * by the components, and shows the descriptions to the people who use it.
 */

import { describe, expect, test } from 'vitest';
import { asyncApiDocument } from './asyncapi.ts';
import type { JsonSchema } from './json-schema.ts';
import { openApiDocument } from './openapi.ts';

const OPTIONS = { serverUrl: 'https://qrcast.example.com', version: '1.2.3' };
const openApi = openApiDocument(OPTIONS);
const asyncApi = asyncApiDocument(OPTIONS);
const messages = Object.values(asyncApi.channels).flatMap((channel) => Object.values(channel.messages));

/** A name that is missing breaks the code of clients that use the type. */
const OPENAPI_TYPES = [
  'Account AuditAction AuditActor AuditCredential AuditEntry AuditList Callback CallbackAnswer CallbackAttempt CallbackBody',
  'CallbackError CallbackList CallbackSecret CallbackSession CallbackState CallbackType Code ConnectionCause CreateSession',
  'CreateTenant CreateTicket CreatedKey CreatedSession CreatedTenant CreatedTicket DisconnectedInstance End EndReason ErrorCode',
  'Format Health InstanceCallbackBody LimitName Notice NoticeCode Overview OverviewList OverviewSession PageOrigins PatchTenant',
  'Problem RelayBody Scope SendPassword Session SessionAnswer SessionCallbackType SessionList SessionState SetWebhook',
  'SetWebhookAnswer StateNotification Statistics StatisticsHour Taken Tenant TenantAnswer TenantList Timeline TimelineCause',
  'TimelineChange TimelineDelivery TimelineEntry Weather WeatherHost WeatherMinute Webhook WebhookAnswer WebhookFinding',
  'WebhookFindingCode',
];
const ASYNCAPI_TYPES = [
  'Accepted Account CloseReason Closing Code ConnectError Draining End EndReason ErrorCode Format Fresh LimitName Notice NoticeCode Ref',
  'Refused Session SessionState StreamError Subscribed',
];

/** All values of a key, at any depth. */
function allUnder(key: string, value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [...(name === key ? [inner] : []), ...allUnder(key, inner)]);
}

/** True if the field has a description, only one value, or a type that has a description. */
function isDescribed(field: JsonSchema, types: Readonly<Record<string, JsonSchema>>): boolean {
  const target = String(field['$ref']).split('/').at(-1) ?? '';
  const [first] = (field['anyOf'] ?? []) as readonly JsonSchema[];
  return [field, first, types[target]].some((schema) => schema?.['description'] !== undefined) || 'const' in field;
}

describe.each([
  ['OpenAPI', openApi.components.schemas, OPENAPI_TYPES, [openApi.paths, openApi.webhooks]],
  ['AsyncAPI', asyncApi.components.schemas, ASYNCAPI_TYPES, messages],
])('the %s document', (_name, types, names, others) => {
  test('names each type', () => {
    expect(Object.keys(types)).toEqual(names.flatMap((line) => line.split(' ')));
  });

  test('describes every field', () => {
    const fields = allUnder('properties', [types, others]).flatMap((properties) =>
      Object.entries(properties as Readonly<Record<string, JsonSchema>>),
    );
    expect(fields.length).toBeGreaterThan(40);
    expect(fields.filter(([, field]) => !isDescribed(field, types)).map(([name]) => name)).toEqual([]);
  });

  test('has no empty description', () => {
    const descriptions = allUnder('description', [types, others]).filter((words) => typeof words === 'string');
    expect(descriptions.length).toBeGreaterThan(40);
    expect(descriptions.filter((words) => !/\w{3}/.test(words))).toEqual([]);
  });
});
