/** The messages to a tenant's own server on the docs page, from the OpenAPI document. */

import type { OpenApiDocument, OpenApiWebhook } from '@qrcast/core/contract/openapi';
import { type Html, html, prose } from '../http/html.ts';
import { answerList } from './answers.ts';
import { parameterList } from './calls.ts';
import { codeBlock, json } from './code.ts';
import { fieldList, fieldsOf } from './schema.ts';

export function webhooksOf({ webhooks }: OpenApiDocument, tag: string): readonly OpenApiWebhook[] {
  return Object.values(webhooks)
    .map(({ post }) => post)
    .filter(({ tags }) => tags.includes(tag));
}

export function webhookArticle(document: OpenApiDocument, webhook: OpenApiWebhook): Html {
  const { operationId, summary, description, requestBody } = webhook;
  const { schemas } = document.components;
  return html`<article class="call" id="${operationId}">
<div class="about">
<h3><a href="#${operationId}">${summary}</a></h3>
<p class="route"><span class="method sent">POST</span> to your server</p>
${description === undefined ? null : prose(description)}
${parameterList('Headers', webhook, 'header', document)}
<h4>Body</h4>
${fieldList(fieldsOf(requestBody?.content['application/json']?.schema ?? {}, schemas), schemas)}
<h4>Your answers</h4>
${answerList(document, webhook)}
</div>
<div class="sample">${codeBlock('What your server receives', received(webhook))}</div>
</article>`;
}

/** The headers and the body of one request, without the headers of every HTTP request. */
function received({ parameters = [], requestBody }: OpenApiWebhook): Html {
  const headers = parameters.map(({ name, example }) => html`<span class="key">${name}</span>: ${String(example)}\n`);
  return html`content-type: application/json\n${headers}\n${json(requestBody?.content['application/json']?.example)}`;
}
