import { describe, expect, it } from 'vitest';
import { mendTicket } from './mend-ticket.ts';

const HEAD = 'eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIn0';
const CLAIMS = 'eyJqdGkiOiJ0a3RfMSIsIm9yZyI6W10sLS0tIjoxfQ';
const SIGNATURE = 'sIg-_naTure--0123456789abcdefghijklmnopqrst';
const TICKET = `${HEAD}.${CLAIMS}.${SIGNATURE}`;

/** The fragment that a browser makes from text in its address bar. */
const fragmentOf = (text: string): string => new URL(`https://host.example/connect#${text}`).hash.slice(1);

/** The ticket with something in its middle, as after a line break. */
const broken = (by: string): string => `${TICKET.slice(0, 60)}${by}${TICKET.slice(60)}`;

describe('a ticket is found', () => {
  it.each([
    ['whole', TICKET],
    ['before a full stop', `${TICKET}.`],
    ['before a bracket', `${TICKET})`],
    ['before both', `${TICKET}).`],
    ['before a comma', `${TICKET},`],
    ['before an ellipsis', `${TICKET}…`],
    ['before a quote', `${TICKET}"`],
    ['in quotes of a language', `«${TICKET}»`],
    ['in angle brackets', `<${TICKET}>`],
    ['in Markdown', `${TICKET}](https://elsewhere.example)`],
    ['in bold', `${TICKET}**`],
    ['in italics', `${TICKET}_`],
    ['before a space', `${TICKET}%20`],
    ['before a space and a word', `${TICKET}%20and`],
    ['before a word', `${TICKET} thanks`],
    ['before tracking', `${TICKET}&utm_source=mail&utm_medium=x`],
    ['before a query', `${TICKET}?fbclid=IwAR0123`],
    ['before another fragment', `${TICKET}#top`],
    ['behind a name', `ticket=${TICKET}`],
    ['behind tracking', `utm_source=mail&${TICKET}`],
    ['behind a second #', `#${TICKET}`],
    ['behind a second #, encoded', `%23${TICKET}`],
    ['behind a slash', `/${TICKET}`],
    ['with its dots encoded', TICKET.replaceAll('.', '%2E')],
    ['with its dots encoded twice', TICKET.replaceAll('.', '%252e')],
    ['with letters encoded', TICKET.replace('eyJ', '%65yJ')],
    ['broken by a line', broken('\n')],
    ['broken by a Windows line', broken('\r\n')],
    ['broken by a line, encoded', broken('%0D%0A')],
    ['broken by spaces', broken('  ')],
    ['broken by a quoted line', broken('\n> ')],
    ['broken by a mailer', broken('=\r\n')],
    ['broken by a zero-width space', broken('\u200b')],
    ['broken by a soft hyphen', broken('\u00ad')],
    ['broken by HTML', broken('<br>')],
    ['broken by HTML, encoded', broken('%3Cwbr%20/%3E')],
    ['broken by an entity', broken('&shy;')],
    ['broken by a number for a character', broken('&#8203;')],
    ['with a number for a character', TICKET.replace('_', '&#95;')],
    ['before tracking of an HTML page', `${TICKET}&amp;utm_source=mail`],
    ['with full-width points', TICKET.replaceAll('.', '\uff0e')],
    ['before itself', TICKET + TICKET],
    ['behind a byte-order mark', `\ufeff${TICKET}`],
    ['before a mark of direction', `${TICKET}\u200e`],
    ['with dashes for hyphens', TICKET.replaceAll('--', '—')],
    ['with other hyphens', TICKET.replace('-_', '\u2011_')],
    ['before what encodes nothing', `${TICKET}%ff%zz`],
    ['before another ticket', `${TICKET}#${TICKET}`],
  ])('%s', (_what, text) => {
    expect(mendTicket(fragmentOf(text))).toBe(TICKET);
    expect(mendTicket(text)).toBe(TICKET);
  });
});

describe('a fragment without a complete ticket is not changed', () => {
  it.each(['', 'abc.def', TICKET.slice(0, -1), `${HEAD}.${CLAIMS}`, `${HEAD}..${SIGNATURE}`, '%E0%A4%A', 'top', 'utm_source=mail'])(
    '%j',
    (text) => {
      expect(mendTicket(text)).toBe(text);
    },
  );
});
