/**
 * The edge of notifications: every kind that the provider documents, in the form it sends, changed
 * and damaged.
 */

import fc from 'fast-check';
import { type Damage, damaged, damages } from './bytes.ts';
import { exchangeRaw } from './raw-exchange.ts';
import type { Edge } from './run-edge.ts';
import type { Stage } from './stage.ts';
import { changedJson, type JsonChange, jsonChange } from './values.ts';

const about = { instanceData: { idInstance: ':instance', wid: '79990000000@c.us', typeInstance: 'v3' }, timestamp: 1_790_000_000 };
const sender = { chatId: '79991111111@c.us', sender: '79991111111@c.us', chatName: 'Иван', senderName: 'Иван', senderContactName: '' };
const message = { ...about, idMessage: 'F7AEC1B7086ECDC7E6E45923F5EDB825', senderData: sender };

/** https://green-api.com/v3/docs/api/receiving/notifications-format/ */
const NOTIFICATIONS: readonly object[] = [
  { typeWebhook: 'stateInstanceChanged', ...about, stateInstance: 'notAuthorized' },
  { typeWebhook: 'stateInstanceChanged', ...about, stateInstance: 'pendingPassword' },
  { typeWebhook: 'stateInstanceChanged', ...about, stateInstance: 'starting' },
  { typeWebhook: 'stateInstanceChanged', ...about, stateInstance: 'authorized' },
  { typeWebhook: 'statusInstanceChanged', ...about, statusInstance: 'online' },
  {
    typeWebhook: 'incomingMessageReceived',
    ...message,
    messageData: { typeMessage: 'textMessage', textMessageData: { textMessage: 'Привет 🔑' } },
  },
  {
    typeWebhook: 'incomingMessageReceived',
    ...message,
    messageData: {
      typeMessage: 'imageMessage',
      fileMessageData: {
        downloadUrl: 'https://a.example/1.jpg',
        caption: '',
        fileName: '1.jpg',
        jpegThumbnail: '/9j/4AAQ',
        isForwarded: false,
      },
    },
  },
  {
    typeWebhook: 'outgoingMessageReceived',
    ...message,
    messageData: { typeMessage: 'extendedTextMessage', extendedTextMessageData: { text: 'x' } },
  },
  {
    typeWebhook: 'outgoingAPIMessageReceived',
    ...message,
    messageData: { typeMessage: 'locationMessage', locationMessageData: { latitude: 55.75 } },
  },
  { typeWebhook: 'outgoingMessageStatus', ...about, chatId: '79991111111@c.us', idMessage: 'A1', status: 'read', sendByApi: true },
  { typeWebhook: 'deviceInfo', ...about, deviceData: { platform: 'android', deviceManufacturer: 'a', battery: 85 } },
  { typeWebhook: 'incomingCall', ...about, from: '79991111111@c.us', status: 'offer', idMessage: 'A2' },
  { typeWebhook: 'incomingBlock', ...about, block: { chatId: '79991111111@c.us', event: 'add' } },
  { typeWebhook: 'quotaExceeded', ...about, quotaData: { method: 'sendMessage', used: 500, total: 500, status: 'exceeded' } },
];

/**
 * How a notification is sent: the provider's own way, and the ways of proxies between it and us.
 */
const HEADERS = [
  'Content-Type: application/json',
  'Content-Type: application/json; charset=utf-8',
  'Content-Type: application/json; charset=windows-1251',
  'Content-Type: application/json; charset=utf-16le',
  'Content-Type: application/json\r\nContent-Encoding: gzip',
  'Content-Type: text/plain',
  'Content-Type: application/json\r\nExpect: 100-continue',
  'Content-Type: application/x-www-form-urlencoded',
  'X: y',
];

interface NotificationInput {
  readonly nth: number;
  readonly json: readonly JsonChange[];
  readonly headers: string;
  readonly scheme: string;
  readonly isChunked: boolean;
  readonly damages: readonly Damage[];
}

const notificationInput: fc.Arbitrary<NotificationInput> = fc.record({
  nth: fc.nat(NOTIFICATIONS.length - 1),
  json: fc.array(jsonChange, { maxLength: 3 }),
  headers: fc.oneof({ weight: 2, arbitrary: fc.constant(HEADERS[0] ?? '') }, fc.constantFrom(...HEADERS)),
  scheme: fc.constantFrom('Bearer ', '', 'Bearer Bearer ', 'Basic '),
  isChunked: fc.boolean(),
  damages,
});

export function notificationEdge(stage: Pick<Stage, 'target' | 'tenant'> & { readonly port: () => number }): Edge<NotificationInput> {
  const { target, tenant } = stage;
  return {
    name: 'notifications',
    input: notificationInput,
    send({ nth, json, headers, scheme, isChunked, damages: wounds }) {
      const body = damaged(changedJson(NOTIFICATIONS[nth], json).replaceAll('":instance"', target.instance.idInstance), wounds);
      const lines = [
        `POST /v1/webhooks/green-api/${tenant.id} HTTP/1.1`,
        'Host: x',
        'Connection: close',
        `Authorization: ${scheme}${tenant.webhookToken}`,
        headers,
        isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`,
      ];
      const sent = isChunked ? `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body;
      return exchangeRaw(stage.port(), [`${lines.join('\r\n')}\r\n\r\n${sent}`]);
    },
  };
}
