/**
 * `/docs`: the contract for people. One page without scripts, made from the two documents for
 * machines.
 */

import type { AsyncApiDocument } from '@qrcast/core/contract/asyncapi';
import { type JsonSchema, wordsOf } from '@qrcast/core/contract/json-schema';
import type { OpenApiDocument } from '@qrcast/core/contract/openapi';
import { type Html, html, inline, prose } from '../http/html.ts';
import { headersSection } from './answers.ts';
import { callArticle, callsOf } from './calls.ts';
import { codeBlock, curl, json } from './code.ts';
import { closeCodesSection, errorsSection } from './errors.ts';
import { fieldList, fieldsOf } from './schema.ts';
import { streamSection } from './streams.ts';
import { webhookArticle, webhooksOf } from './webhooks.ts';

export interface DocsOptions {
  readonly openApi: OpenApiDocument;
  readonly asyncApi: AsyncApiDocument;
  /** The path of the style sheet, as the page links it. */
  readonly styleUrl: string;
}

/**
 * Enums that the section of the session describes. Errors and close codes have sections of their
 * own.
 */
const SESSION_ENUMS = ['SessionState', 'NoticeCode', 'EndReason'] as const;

export function docsPage({ openApi, asyncApi, styleUrl }: DocsOptions): string {
  const tags = openApi.tags.map(({ name, description }) => ({
    name,
    description,
    webhooks: webhooksOf(openApi, name),
    calls: callsOf(openApi, name),
  }));
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>qrcast API</title>
<meta name="description" content="Every call, event, field, error and close code of this gateway.">
<link rel="stylesheet" href="${styleUrl}">
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header><a class="brand" href="#top">qrcast</a> <span class="version">API ${openApi.info.version}</span></header>
${contents(tags, asyncApi)}
<main id="content">
${start(openApi)}
${credentials(openApi)}
${session(openApi)}
${tags.map((tag) => callSection(openApi, tag))}
${streamsSection(asyncApi)}
${objectsSection(openApi, asyncApi)}
${headersSection(openApi)}
${errorsSection(openApi)}
${closeCodesSection(asyncApi)}
</main>
<footer><p>Made from <a href="openapi.json">openapi.json</a> and <a href="asyncapi.json">asyncapi.json</a> of this gateway.</p></footer>
</body>
</html>
`;
  return page.html;
}

interface Tag {
  readonly name: string;
  readonly description: string;
  readonly webhooks: ReturnType<typeof webhooksOf>;
  readonly calls: ReturnType<typeof callsOf>;
}

function contents(tags: readonly Tag[], { channels }: AsyncApiDocument): Html {
  return html`<nav aria-label="Contents">
<ul>
<li><a href="#start">Start</a></li>
<li><a href="#credentials">Credentials</a></li>
<li><a href="#session">The session</a></li>
${tags.map((tag) => html`<li><a href="#tag-${tag.name}">${tag.name}</a><ul>${entries(tag)}</ul></li>`)}
<li><a href="#streams">Streams</a><ul>${Object.entries(channels).map(
    ([id, { title }]) => html`<li><a href="#stream-${id}">${title}</a></li>`,
  )}</ul></li>
<li><a href="#objects">Objects</a></li>
<li><a href="#headers">Response headers</a></li>
<li><a href="#errors">Errors</a></li>
<li><a href="#close-codes">Close codes</a></li>
</ul>
</nav>`;
}

function entries({ webhooks, calls }: Tag): Html {
  const entry = (id: string, kind: string, verb: string, summary: string): Html =>
    html`<li><a href="#${id}"><span class="verb ${kind}">${verb}</span> ${summary}</a></li>`;
  return html`${webhooks.map(({ operationId, summary }) => entry(operationId, 'sent', 'SENT', summary))}${calls.map(
    ({ operation, method }) => entry(operation.operationId, method, method.toUpperCase(), operation.summary),
  )}`;
}

function callSection(openApi: OpenApiDocument, { name, description, webhooks, calls }: Tag): Html {
  return html`<section id="tag-${name}">
<h2><a href="#tag-${name}">${name}</a></h2>
<p class="lead">${description}</p>
${webhooks.map((webhook) => webhookArticle(openApi, webhook))}
${calls.map((call) => callArticle(openApi, call))}
</section>`;
}

function streamsSection(asyncApi: AsyncApiDocument): Html {
  return html`<section id="streams">
<h2><a href="#streams">Streams</a></h2>
${prose(asyncApi.info.description.split('\n- ')[0] ?? '')}
${Object.entries(asyncApi.channels).map(([id, channel]) => streamSection(asyncApi, id, channel))}
</section>`;
}

function objectsSection(openApi: OpenApiDocument, asyncApi: AsyncApiDocument): Html {
  const schemas = { ...asyncApi.components.schemas, ...openApi.components.schemas };
  return html`<section id="objects">
<h2><a href="#objects">Objects</a></h2>
${objectsOf(openApi, asyncApi).map(([name, schema]) => object(name, schema, schemas))}
</section>`;
}

function start(openApi: OpenApiDocument): Html {
  const sample = (path: string, method: string): Html => {
    const operation = openApi.paths[path]?.[method];
    if (operation === undefined) throw new Error(`the document has no ${method} ${path}`);
    return curl(openApi, path, method, operation);
  };
  const [lead = '', ...conventions] = openApi.info.description.split('\n\n');
  return html`<section id="start">
<h1 id="top">qrcast API</h1>
<p class="lead">${inline(lead)}</p>
<p>This gateway: <code>${openApi.servers[0]?.url ?? ''}</code>. For machines: <a href="openapi.json">OpenAPI 3.1</a>, <a href="asyncapi.json">AsyncAPI 3.0</a>.</p>
<ol class="steps">
<li><p>Your backend <a href="#createSession">makes a session</a>, and gives its user the <code>pageUrl</code>, or gives a page of yours the <code>ticket</code>.</p>${codeBlock('With the API key', sample('/v1/sessions', 'post'))}</li>
<li><p>The page watches it: over a <a href="#streams">stream</a>, with <a href="#loginElement">the element</a>, which opens a stream by itself, or by <a href="#readSession">reading it</a> repeatedly.</p>${codeBlock('With the ticket', sample('/v1/sessions/{id}', 'get'))}</li>
<li><p>The state becomes <a href="#session"><code>connected</code></a>, or <code>ended</code> with a reason.</p></li>
</ol>
<h2 id="conventions"><a href="#conventions">Conventions</a></h2>
${prose(conventions.join('\n\n'))}
</section>`;
}

function credentials({ components }: OpenApiDocument): Html {
  const rows = Object.entries(components.securitySchemes).map(
    ([name, { description }]) => html`<div id="credential-${name}"><dt><code>${name}</code></dt><dd>${inline(description)}</dd></div>`,
  );
  return html`<section id="credentials">
<h2><a href="#credentials">Credentials</a></h2>
<p class="lead">Send each in the header <code>Authorization: Bearer …</code>, never in a URL.</p>
<dl class="words">${rows}</dl>
</section>`;
}

function session(openApi: OpenApiDocument): Html {
  const { schemas } = openApi.components;
  const example = openApi.paths['/v1/sessions/{id}']?.['get']?.responses['200'];
  const [states, notices, ends] = SESSION_ENUMS.map((name) => enumWords(name, schemas[name]));
  return html`<section id="session">
<h2><a href="#session">The session</a></h2>
<p class="lead">A session is one or more successive attempts to link an instance, watched by any number of viewers. It is the same object in every answer and every stream.</p>
<div class="call" id="schema-Session">
<div class="about">${fieldList(fieldsOf(schemas['Session'] ?? {}, schemas), schemas)}</div>
<div class="sample">${example !== undefined && 'content' in example ? codeBlock('A session', json(example.content?.['application/json']?.example)) : null}</div>
</div>
<h3>States</h3>${states ?? null}
<h3>Notices</h3><p>The attempt goes on.</p>${notices ?? null}
<h3>Ends</h3>${ends ?? null}
</section>`;
}

function enumWords(name: string, schema: JsonSchema | undefined): Html {
  const words = (schema?.['x-enumDescriptions'] ?? {}) as Readonly<Record<string, string>>;
  const rows = Object.entries(words).map(([word, meaning]) => html`<div><dt><code>${word}</code></dt><dd>${inline(meaning)}</dd></div>`);
  return html`<dl class="words" id="schema-${name}">${rows}</dl>`;
}

/** The schemas of both documents, without those that other sections describe. */
function objectsOf(openApi: OpenApiDocument, asyncApi: AsyncApiDocument): [name: string, JsonSchema][] {
  const elsewhere: readonly string[] = ['Session', 'ErrorCode', 'CloseReason', ...SESSION_ENUMS];
  const all = { ...asyncApi.components.schemas, ...openApi.components.schemas };
  return Object.entries(all)
    .filter(([name]) => !elsewhere.includes(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function object(name: string, schema: JsonSchema, schemas: Readonly<Record<string, JsonSchema>>): Html {
  if (wordsOf(schema) !== null) return html`<article class="object"><h3>${name}</h3>${enumWords(name, schema)}</article>`;
  const { description } = schema;
  return html`<article class="object" id="schema-${name}">
<h3><a href="#schema-${name}">${name}</a></h3>
${typeof description === 'string' ? prose(description) : null}
${fieldList(fieldsOf(schema, schemas), schemas)}
</article>`;
}
