import type { Answer, Failure } from './answer.ts';
import { readAnswer, trouble } from './answer.ts';

/**
 * The settings that decide whether an instance sends notifications. Null: the provider did not send
 * the setting, or sent it in an unknown form. `webhookToken` is a secret and must not reach a log,
 * an answer or an error.
 */
export interface InstanceSettings {
  readonly stateWebhook: boolean | null;
  /** Empty if none is set. */
  readonly webhookUrl: string | null;
  /** Unchanged; some people write a scheme word before the token. Empty if none is set. */
  readonly webhookToken: string | null;
}

export type SettingsOutcome = { readonly kind: 'settings'; readonly settings: InstanceSettings } | Failure;

/** `saved` is only what the provider says. Read the settings again to be sure. */
export type SaveOutcome = { readonly kind: 'saved' } | Failure;

/** The settings that are sent. All others stay as they are. */
export interface WebhookSettings {
  readonly webhookUrl: string;
  readonly webhookUrlToken: string;
  readonly stateWebhook: 'yes';
}

/** Nobody sets a longer URL or token, so a longer value is not read. */
const MAX_CHARACTERS = 4_096;
const SWITCH: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  ['yes', true],
  ['no', false],
]);

/** `GET getSettings`. https://green-api.com/v3/docs/api/account/GetSettings */
export function interpretSettings(answer: Answer): SettingsOutcome {
  const reading = readAnswer(answer);
  if (reading.kind !== 'reading') return reading;
  if (reading.fields === null) return trouble('instance_starting');
  const { stateWebhook, webhookUrl, webhookUrlToken } = reading.fields;
  const settings = {
    stateWebhook: SWITCH.get(stateWebhook) ?? null,
    webhookUrl: textOf(webhookUrl),
    webhookToken: textOf(webhookUrlToken),
  };
  return Object.values(settings).every((one) => one === null) ? trouble('provider_error') : { kind: 'settings', settings };
}

/**
 * `POST setSettings`: `{"saveSettings":true}`.
 * https://green-api.com/v3/docs/api/account/SetSettings
 */
export function interpretSave(answer: Answer): SaveOutcome {
  const reading = readAnswer(answer);
  if (reading.kind !== 'reading') return reading;
  const saved = reading.fields?.['saveSettings'];
  if (saved === true) return { kind: 'saved' };
  return trouble(saved === false ? 'provider_refused' : 'provider_error');
}

/** A JSON null means that nothing is set. */
function textOf(value: unknown): string | null {
  if (value === null) return '';
  return typeof value === 'string' && value.length <= MAX_CHARACTERS ? value : null;
}
