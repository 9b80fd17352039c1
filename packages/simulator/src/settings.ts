/**
 * The settings of an instance at the provider (getSettings, setSettings). Everything is off after
 * creation. Yes and no are strings.
 */
import { z } from 'zod';

const yesOrNo = z.enum(['yes', 'no']);

const settings = z.object({
  webhookUrl: z.union([z.literal(''), z.url({ protocol: /^https?$/ })]),
  webhookUrlToken: z.string(),
  delaySendMessagesMilliseconds: z.number(),
  markIncomingMessagesReaded: yesOrNo,
  markIncomingMessagesReadedOnReply: yesOrNo,
  outgoingWebhook: yesOrNo,
  outgoingMessageWebhook: yesOrNo,
  outgoingAPIMessageWebhook: yesOrNo,
  stateWebhook: yesOrNo,
  incomingWebhook: yesOrNo,
  editedMessageWebhook: yesOrNo,
  deletedMessageWebhook: yesOrNo,
});

export type ProviderSettings = z.infer<typeof settings>;

/** Any subset of the settings. */
export type SettingsPatch = Partial<ProviderSettings>;

/**
 * Returns null if a setting has an invalid value. Ignores other fields, because clients also send
 * settings of other messengers.
 */
export function parseSettings(body: unknown): SettingsPatch | null {
  const result = settings.partial().safeParse(body);
  // For TypeScript the optional fields may be undefined, but `body` is parsed JSON, which has no
  // undefined.
  return result.success ? (result.data as SettingsPatch) : null;
}

export const INITIAL_SETTINGS: ProviderSettings = {
  webhookUrl: '',
  webhookUrlToken: '',
  delaySendMessagesMilliseconds: 500,
  markIncomingMessagesReaded: 'no',
  markIncomingMessagesReadedOnReply: 'no',
  outgoingWebhook: 'no',
  outgoingMessageWebhook: 'no',
  outgoingAPIMessageWebhook: 'no',
  stateWebhook: 'no',
  incomingWebhook: 'no',
  editedMessageWebhook: 'no',
  deletedMessageWebhook: 'no',
};

/** Whether every kind of notification is off. Then the queue answers at once instead of waiting. */
export function isSilent(current: ProviderSettings): boolean {
  const kinds = [
    current.outgoingWebhook,
    current.outgoingMessageWebhook,
    current.outgoingAPIMessageWebhook,
    current.stateWebhook,
    current.incomingWebhook,
    current.editedMessageWebhook,
    current.deletedMessageWebhook,
  ];
  return kinds.every((kind) => kind === 'no');
}
