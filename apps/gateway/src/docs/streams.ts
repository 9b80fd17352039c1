/** The streams on the docs page, from the AsyncAPI document. */

import type { AsyncApiChannel, AsyncApiDocument, AsyncApiMessage } from '@qrcast/core/contract/asyncapi';
import { type Html, html, inline, prose } from '../http/html.ts';
import { abridged, codeBlock, json } from './code.ts';
import { fieldList, fieldsOf, nameOf, schemaLink } from './schema.ts';

export function streamSection(document: AsyncApiDocument, id: string, channel: AsyncApiChannel): Html {
  const server = Object.values(document.servers).find(
    (_, i) => channel.servers[0]?.$ref === `#/servers/${Object.keys(document.servers)[i]}`,
  );
  const address = `${server?.protocol}://${server?.host}${server?.pathname ?? ''}${channel.address}`;
  const messages = Object.entries(channel.messages);
  const side = (ending: string) =>
    messages.filter(([key]) => key.endsWith(ending)).map(([key, message]) => messageArticle(document, id, key, message));
  const received = side('.received');
  return html`<section class="stream" id="stream-${id}" aria-labelledby="stream-${id}-title">
<h3 id="stream-${id}-title"><a href="#stream-${id}">${channel.title}</a></h3>
<p class="route"><code>${address}</code></p>
${prose(channel.description)}
<h4>From the server</h4>
${side('.sent')}
${received.length === 0 ? null : html`<h4>From the client</h4>${received}`}
</section>`;
}

function messageArticle(document: AsyncApiDocument, id: string, key: string, { name, summary, payload, examples }: AsyncApiMessage): Html {
  const { schemas } = document.components;
  const anchor = `${id}-${key}`;
  const component = nameOf(payload);
  const answers = answersTo(document, id, key);
  return html`<article class="call message" id="${anchor}">
<div class="about">
<h5><a href="#${anchor}"><code>${name}</code></a></h5>
<p>${inline(summary)}.${component === null ? null : html` ${schemaLink(component)}`}${
    answers.length === 0
      ? null
      : html` <span class="rules">Answered by ${answers.map((one, i) => html`${i === 0 ? '' : ' or '}<code>${one}</code>`)}</span>`
  }</p>
${component !== null && component in LONG ? null : fieldList(fieldsOf(payload, schemas), schemas)}
</div>
<div class="sample">${examples.map((example) => codeBlock(`Example of ${name}`, json(abridged(example.payload))))}</div>
</article>`;
}

/** Objects with a section of their own that are too long to repeat. */
const LONG = { Session: true };

function answersTo({ operations, channels }: AsyncApiDocument, id: string, key: string): readonly string[] {
  const { reply } = operations[`${id}.${key}`] ?? {};
  return (reply?.messages ?? []).map(({ $ref }) => channels[id]?.messages[$ref.split('/').at(-1) ?? '']?.name ?? '');
}
