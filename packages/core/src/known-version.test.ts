import { describe, expect, it } from 'vitest';
import { entityTagsOf, isMarkedTag, versionOfLastEvent, versionOfTags, withOneLastEventId } from './known-version.ts';

describe('the version in If-None-Match', () => {
  it.each([
    ['"13"', 13],
    ['W/"13"', 13], // nginx, when it compresses
    ['w/"13"', 13],
    ['"13-gzip"', 13], // Apache mod_deflate, Caddy, Traefik
    ['"13-br"', 13],
    ['"13-zstd"', 13],
    ['W/"13-gzip"', 13],
    ['"13-gzip-gzip"', 13], // two proxies
    ['"13--gzip"', 13], // Jetty
    ['"13--gzip--sig"', 13],
    ['"13;gzip"', 13],
    ['"13;gz"', 13], // LiteSpeed
    ['"13;br"', 13],
    ['"13;;;"', 13],
    ['"13:deflate"', 13],
    ['"13.GZIP"', 13],
    ['"13_x-gzip"', 13],
    ['13', 13],
    ['13-gzip', 13],
    ['W/13', 13],
    [' "13" ', 13],
    ['"12", "13"', 13],
    ['"13-gzip","12-gzip"', 13],
    ['"an,other", W/"13-br"', 13],
    ['*, "13"', 13],
    ['"0"', 0],
    ['"0013"', 13],
    ['"13"-gzip', 13], // a mark behind the quotes
    ['"14"', null], // nobody can have been told it
    ['"1732968000"', null], // a proxy's own, a time
    ['"14", "12"', 12],
    ['"14", *', 'any'],
    ['*', 'any'],
    ['"*"', 'any'],
    ['"other"', null],
    ['"13-14"', null],
    ['"13gzip"', null],
    ['"13-gzip!!!!"', null],
    ['"v13"', null],
    ['"-13"', null],
    ['"1.5"', null],
    ['1W/3', null],
    [`"${'9'.repeat(16)}"`, null],
    ['""', null],
    ['"', null],
    [',,', null],
    ['', null],
    [undefined, null],
  ])('%s is %s', (header, version) => {
    expect(versionOfTags(header, 13)).toBe(version);
  });

  it('is found quickly, however hostile the header', () => {
    for (const hostile of [`"13${'-a'.repeat(8_000)}!"`, '"'.repeat(16_000), `"13${'-'.repeat(16_000)}`, '13;'.repeat(5_000)])
      expect([null, 13]).toContain(versionOfTags(hostile, 13));
  });
});

it('of which only the first 2,000 characters are read', () => {
  expect([versionOfTags('"13"'.padStart(2_000), 13), versionOfTags('"13"'.padStart(2_004), 13)]).toEqual([13, null]);
});

it('of which a tag that goes on behind the 2,000th character is not read, not even its beginning', () => {
  expect(versionOfTags('"13"'.padStart(2_002), 13)).toBeNull();
  expect(versionOfTags('13'.padStart(2_001), 13)).toBeNull();
  expect(versionOfTags(`"12", "13, ${'x'.repeat(2_000)}"`, 13)).toBe(12);
});

it('tags are separated by the commas outside of their quotes', () => {
  expect(entityTagsOf('"an, other", W/"13-br",w/x, *')).toEqual(['an, other', '13-br', 'x', '*']);
  expect(entityTagsOf(undefined)).toEqual([]);
});

it('recognises a tag whatever it contains', () => {
  const ours = 'mHk3-_x0Zq';
  const [tag = ''] = entityTagsOf(`W/"${ours}-gzip"`);
  expect([isMarkedTag(tag, ours), isMarkedTag(ours, ours), isMarkedTag(`${ours}x`, ours), isMarkedTag('other', ours)]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

describe('the version of the last event', () => {
  it.each([
    ['2', 2],
    [' 2 ', 2],
    ['"2"', 2],
    ["'2'", 2],
    ['W/"2"', 2],
    ['id: 2', 2],
    ['id=2', 2],
    ['session:2', 2],
    ['2-gzip', 2],
    ['', 0],
    ['x', 0],
    ['-1', 0],
    ['1.5', 0],
    ['null', 0],
    ['undefined', 0],
    ['9'.repeat(20), 0],
    ['9', 9],
    ['10', 0], // nobody can have been told it
    ['a"b"2', 0],
    ['2"b"3', 0],
    [undefined, 0],
  ])('%s is %s, in the header and in the query', (text, version) => {
    expect(versionOfLastEvent(text, undefined, 9)).toBe(version);
    expect(versionOfLastEvent(undefined, text, 9)).toBe(version);
  });

  it('is the header’s if both have one, and the query’s if the header has none', () => {
    expect(versionOfLastEvent('2', '5', 9)).toBe(2);
    expect(versionOfLastEvent('5', '2', 9)).toBe(5);
    expect(versionOfLastEvent('', '5', 9)).toBe(5);
    expect(versionOfLastEvent('x', '5', 9)).toBe(5);
  });

  it('is the greatest one if the header came more than once', () => {
    expect(versionOfLastEvent('2, 2', undefined, 9)).toBe(2);
    expect(versionOfLastEvent(['2', 'x', '7'], '5', 9)).toBe(7);
    expect(versionOfLastEvent(',', '5', 9)).toBe(5);
  });
});

it('of the last event, only the first 2,000 characters are read', () => {
  expect(versionOfLastEvent(`${'x,'.repeat(1_000)}7`, undefined, 9)).toBe(0);
  expect(versionOfLastEvent(`${'x,'.repeat(999)}2,7`, undefined, 9)).toBe(2);
});

it('an event’s id that goes on behind the 2,000th character is not read, not even its beginning', () => {
  expect(versionOfLastEvent(`${'x,'.repeat(999)} 13`, undefined, 13)).toBe(0);
  expect(versionOfLastEvent('13'.padStart(2_001), undefined, 13)).toBe(0);
  expect(versionOfLastEvent(undefined, `id:${'13'.padStart(1_998)}`, 13)).toBe(0);
  expect(versionOfLastEvent(undefined, `id:${'13'.padStart(1_997)}`, 13)).toBe(13);
});

describe('the query of an event stream', () => {
  it.each([
    [{ lastEventId: '2' }, '2'], // event-source-polyfill, reconnecting-eventsource
    [{ lastEventID: '2' }, '2'], // Mercure
    [{ last_event_id: '2' }, '2'],
    [{ 'Last-Event-ID': '2' }, '2'],
    [{ evs_last_event_id: '2', evs_preamble: '2056' }, '2'], // eventsource-polyfill
    [{ lastEventId: ['2', '7', '5'] }, '7'],
    [{ lastEventId: '2', last_event_id: '3' }, '3'],
    [{ lastEventId: '' }, ''],
    [{ lastEventId: 'x' }, ''],
  ])('%j gives it as %j', (query, id) => {
    expect(withOneLastEventId({ formats: 'text', ...query })).toEqual({ formats: 'text', lastEventId: id });
  });

  it('stays as it is without one', () => {
    expect(withOneLastEventId({ formats: 'text', hello: '1' })).toEqual({ formats: 'text', hello: '1' });
    expect(withOneLastEventId({ evs_preamble: '2056' })).toEqual({});
  });
});
