/** Code on the docs page: curl calls, and values as coloured JSON. */

import type { OpenApiDocument, OpenApiOperation } from '@qrcast/core/contract/openapi';
import { type Html, html } from '../http/html.ts';

export function codeBlock(label: string, code: Html): Html {
  // It scrolls sideways, so it must be focusable by keyboard.
  return html`<figure class="code"><figcaption>${label}</figcaption><pre tabindex="0" role="group" aria-label="${label}"><code>${code}</code></pre></figure>`;
}

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?/g;

export function json(value: unknown): Html {
  const text = JSON.stringify(value, null, 2);
  const parts: Html[] = [];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [token, quoted, colon] = match;
    const kind = quoted === undefined ? 'value' : colon === undefined ? 'string' : 'key';
    parts.push(html`${text.slice(end, match.index)}<span class="${kind}">${quoted ?? token}</span>${colon ?? ''}`);
    end = match.index + token.length;
  }
  return html`${parts}${text.slice(end)}`;
}

/**
 * Shortens every session in the value, because sessions are described in a section of their own.
 */
export function abridged(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(abridged);
  if ('serverNow' in value && 'id' in value && 'version' in value && 'state' in value)
    return { id: value.id, version: value.version, state: value.state, '…': '…' };
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, abridged(inner)]));
}

/** The shell variable that stands for a secret. */
const SECRETS: Readonly<Record<string, string>> = {
  apiKey: '$API_KEY',
  ticket: '$TICKET',
  adminKey: '$ADMIN_KEY',
  webhookToken: '$WEBHOOK_TOKEN',
};

/**
 * A call to paste into a shell. A viewer's call is shown with the ticket, because pages call with a ticket.
 */
export function curl(
  document: OpenApiDocument,
  path: string,
  method: string,
  { security, parameters = [], requestBody }: OpenApiOperation,
): Html {
  const kinds = security.flatMap((one) => Object.keys(one));
  const credential = kinds.includes('ticket') ? 'ticket' : kinds[0];
  const asExample = (name: string): string => String(parameters.find((one) => one.in === 'path' && one.name === name)?.example ?? name);
  const url = `${document.servers[0]?.url ?? ''}${path.replace(/\{(\w+)\}/g, (_, name: string) => asExample(name))}`;
  const lines = [
    `curl ${method === 'get' ? '' : `-X ${method.toUpperCase()} `}${url}`,
    ...(credential === undefined ? [] : [`-H "Authorization: Bearer ${SECRETS[credential] ?? ''}"`]),
    ...(requestBody === undefined ? [] : bodyLines(requestBody.content['application/json']?.example)),
  ];
  return html`${lines.join(' \\\n  ')}`;
}

function bodyLines(example: unknown): string[] {
  // Within single quotes a shell takes everything literally except a single quote.
  const text = JSON.stringify(example, null, 2).replaceAll("'", String.raw`'\''`).replaceAll('\n', '\n  ');
  return [`-H 'Content-Type: application/json'`, `-d '${text}'`];
}
