/**
 * Pages for a person whose browser asked for something that is no page of ours: a damaged link, an
 * address with nothing at it, or a refusal. The root has one as well, which says what this service
 * is. The pages are small, in Russian or English, and complete in themselves: no script, no further
 * request. They repeat nothing of the address.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import Negotiator from 'negotiator';
import { type Html, html } from './html.ts';

export type WordPage = 'home' | 'damaged' | 'nothing' | 'busy';

interface Words {
  readonly title: string;
  readonly detail: string;
  readonly note?: string;
}

const LANGUAGES = ['en', 'ru'] as const;
type Language = (typeof LANGUAGES)[number];

const WORDS: Readonly<Record<Language, Readonly<Record<WordPage, Words>> & { readonly docs: string }>> = {
  en: {
    home: {
      title: 'Link MAX with a QR code',
      detail: 'Services send you here to link your MAX account. The code to scan appears when you open the link they gave you.',
      note: 'Were you asked to link MAX? Open the whole link again, to its last character.',
    },
    damaged: {
      title: 'This link is damaged',
      detail: 'It was changed on its way to you. Go back to where you got it and ask for a new one.',
      note: 'Do not use the old link again: others may have seen it.',
    },
    nothing: { title: 'There is nothing here', detail: 'Open the whole link again, or go back to where you came from.' },
    busy: { title: 'The service is busy', detail: 'Wait a moment, then open the link again.' },
    docs: 'For developers: the API',
  },
  ru: {
    home: {
      title: 'Подключение MAX по QR-коду',
      detail: 'Сюда ведут ссылки сервисов, которые просят подключить аккаунт MAX. Код появится, когда вы откроете такую ссылку.',
      note: 'Вас попросили подключить MAX? Откройте ссылку ещё раз целиком, до последнего знака.',
    },
    damaged: {
      title: 'Ссылка повреждена',
      detail: 'По дороге к вам она изменилась. Вернитесь туда, где вы её получили, и запросите новую.',
      note: 'Старой ссылкой больше не пользуйтесь: её могли увидеть посторонние.',
    },
    nothing: { title: 'Здесь ничего нет', detail: 'Откройте ссылку ещё раз целиком или вернитесь туда, откуда пришли.' },
    busy: { title: 'Сервис занят', detail: 'Подождите немного и откройте ссылку ещё раз.' },
    docs: 'Разработчикам: описание API',
  },
};

/** In the style of the signs on the login page. */
const MARKS: Readonly<Record<WordPage, string>> = {
  home: 'M5 5h5v5H5zM14 5h5v5h-5zM5 14h5v5H5zM14 14h.01M19 14h.01M14 19h.01M19 19h.01M16.5 16.5h.01',
  damaged: 'M9.5 7.5H8a4.5 4.5 0 0 0 0 9h1.5M14.5 7.5H16a4.5 4.5 0 0 1 0 9h-1.5M12 3v2.5M12 18.5V21M8.6 3.8l1 1.9M15.4 3.8l-1 1.9',
  nothing: 'M10.8 5a5.8 5.8 0 1 1 0 11.6a5.8 5.8 0 1 1 0-11.6zM15 15l4.4 4.4',
  busy: 'M12 3.6a8.4 8.4 0 1 1 0 16.8a8.4 8.4 0 1 1 0-16.8zM12 7.6V12l3 2.2',
};

const STYLE = readFileSync(new URL('word-pages.css', import.meta.url), 'utf8');

/**
 * The style is inline and allowed by its hash. A page may be shown at any depth of a path, so it
 * could not name a file of ours.
 */
const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const PAGE_TYPES = ['text/html', 'application/xhtml+xml'];

/**
 * True for a browser that shows pages. A client that accepts everything, as programs do, takes the
 * first type of this list.
 */
export function wantsHtml(request: IncomingMessage): boolean {
  const type = mediaTypes(request).mediaType(['application/problem+json', 'application/json', ...PAGE_TYPES]);
  return type !== undefined && PAGE_TYPES.includes(type);
}

/** Whether the client accepts a page. */
export function takesHtml(request: IncomingMessage): boolean {
  return mediaTypes(request).mediaType(PAGE_TYPES) !== undefined;
}

/** Parameters like `charset=utf-8` are removed: they say nothing about who asks. */
function mediaTypes({ headers: { accept } }: IncomingMessage): Negotiator {
  return new Negotiator({ headers: accept === undefined ? {} : { accept: accept.replace(/;\s*(?!q=)[^;,]*/gi, '') } });
}

/** @param docsPath the path of the docs in the link; null for no link */
export function sendWordPage(
  request: FastifyRequest,
  reply: FastifyReply,
  page: WordPage,
  { status, docsPath = null }: { readonly status: number; readonly docsPath?: string | null },
): FastifyReply {
  const language = languageOf(request.raw);
  return reply
    .status(status)
    .header('content-security-policy', POLICY)
    .header('content-language', language)
    .header('vary', 'accept, accept-language')
    .type('text/html; charset=utf-8')
    .send(documentOf(page, language, docsPath).html);
}

function languageOf(request: IncomingMessage): Language {
  return LANGUAGES.find((language) => language === new Negotiator(request).language([...LANGUAGES])) ?? 'en';
}

function documentOf(page: WordPage, language: Language, docsPath: string | null): Html {
  const { [page]: words, docs } = WORDS[language];
  const { title, detail, note } = words;
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex, nofollow">
<title>${title} · qrcast</title>
<link rel="icon" href="data:,">
<style>${{ html: STYLE }}</style>
</head>
<body>
<main>
<article class="card ${page}">
<svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><path d="${MARKS[page]}"/></svg>
<h1>${title}</h1>
<p>${detail}</p>
${note === undefined ? null : html`<p class="note">${note}</p>`}
${docsPath === null ? null : html`<p class="docs"><a href="${docsPath}">${docs}</a></p>`}
</article>
</main>
</body>
</html>
`;
}
