/** The HTTP calls on the docs page, from the OpenAPI document. */

import type { OpenApiDocument, OpenApiOperation, OpenApiParameter } from '@qrcast/core/contract/openapi';
import { type Html, html, prose } from '../http/html.ts';
import { answerList, sampleAnswer } from './answers.ts';
import { codeBlock, curl } from './code.ts';
import { type Field, fieldList, fieldsOf } from './schema.ts';

interface Call {
  readonly path: string;
  readonly method: string;
  readonly operation: OpenApiOperation;
}

export function callsOf({ paths }: OpenApiDocument, tag: string): readonly Call[] {
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  return all.filter(({ operation }) => operation.tags.includes(tag));
}

export function callArticle(document: OpenApiDocument, { path, method, operation }: Call): Html {
  const { operationId, summary, description, security, requestBody } = operation;
  const { schemas } = document.components;
  const body = requestBody?.content['application/json'];
  const bodyFields = body === undefined ? [] : fieldsOf(body.schema, schemas);
  return html`<article class="call" id="${operationId}">
<div class="about">
<h3><a href="#${operationId}">${summary}</a></h3>
<p class="route"><span class="method ${method}">${method.toUpperCase()}</span> <code>${path}</code></p>
${description === undefined ? null : prose(description)}
<h4>Credential</h4>
${credentials(security)}
${parameterList('In the path', operation, 'path', document)}
${parameterList('In the query', operation, 'query', document)}
${parameterList('Headers', operation, 'header', document)}
${bodyFields.length === 0 ? null : html`<h4>Body</h4>${fieldList(bodyFields, schemas)}`}
<h4>Answers</h4>
${answerList(document, operation)}
</div>
<div class="sample">
${codeBlock('Request', curl(document, path, method, operation))}
${sampleAnswer(document, operation)}
</div>
</article>`;
}

const CREDENTIAL_NAMES: Readonly<Record<string, string>> = {
  apiKey: 'API key',
  ticket: 'ticket',
  adminKey: 'admin key',
  webhookToken: 'webhook token',
};

function credentials(security: OpenApiOperation['security']): Html {
  if (security.length === 0) return html`<p>None.</p>`;
  const named = security.flatMap((one) =>
    Object.entries(one).map(([kind, [scope]]) => {
      const link = html`<a href="#credential-${kind}">${CREDENTIAL_NAMES[kind] ?? kind}</a>`;
      return scope === undefined ? link : html`${link} with the scope <code>${scope}</code>`;
    }),
  );
  return html`<p>${named.map((one, i) => html`${i === 0 ? '' : ', or '}${one}`)}</p>`;
}

export function parameterList(
  title: string,
  { parameters = [] }: Pick<OpenApiOperation, 'parameters'>,
  location: OpenApiParameter['in'],
  document: OpenApiDocument,
): Html | null {
  const fields: Field[] = parameters
    .filter((one) => one.in === location)
    .map(({ name, schema, required, description }) => ({ name, schema, isRequired: required, description }));
  return fields.length === 0 ? null : html`<h4>${title}</h4>${fieldList(fields, document.components.schemas)}`;
}
