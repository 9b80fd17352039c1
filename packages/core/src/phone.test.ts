import { describe, expect, test } from 'vitest';
import { readAccountPhone } from './account-phone.ts';
import { readPhone } from './phone.ts';

const NBSP = '\u00a0';

describe('a number in international form', () => {
  test.each([
    ['79001234567', '79001234567'],
    ['+79001234567', '79001234567'],
    ['+7 (900) 123-45-67', '79001234567'],
    ['(+7) 900 123 45 67', '79001234567'],
    ['7 900 123 45 67', '79001234567'],
    [`+7${NBSP}900\u202f123\u201145\u201167`, '79001234567'],
    ['+7 900 123\u201345\u201467', '79001234567'],
    ['+7 900 123\u221245\u221267', '79001234567'],
    ['\u202a+79001234567\u202c', '79001234567'],
    ['\ufeff+7\u200b9001234567', '79001234567'],
    ['+7.900.123.45.67', '79001234567'],
    ['tel:+7-900-123-45-67', '79001234567'],
    ['TEL:+79001234567', '79001234567'],
    ['+7 701 123 45 67', '77011234567'], // Kazakhstan
    ['77011234567', '77011234567'],
    ['+77771234567', '77771234567'],
    ['+70000000000', '70000000000'], // made up, as in tests
    ['+375 29 123-45-67', '375291234567'],
    ['998901234567', '998901234567'],
    ['+44 7911 123456', '447911123456'],
    ['447911123456', '447911123456'],
    ['+1 202 555 0123', '12025550123'],
    ['12025550123', '12025550123'],
    ['4915112345678', '4915112345678'],
    ['+39 06 1234 5678', '390612345678'], // Italy keeps its zero
    ['+84 95 123 45 67', '84951234567'],
    ['+84951234567', '84951234567'],
    ['+961 3 123456', '9613123456'],
    ['819012345678', '819012345678'],
    ['79818101234', '79818101234'], // 810 inside is no exit prefix
    [' tel: +79001234567 ', '79001234567'],
    ['+79001234567'.padEnd(64), '79001234567'],
  ])('%j is %s', (text, digits) => {
    expect(readPhone(text)).toEqual({ kind: 'phone', digits });
  });
});

describe('a number that is not certainly in international form is refused', () => {
  const EIGHT = '8 (900) 123-45-67';
  test.each([
    [EIGHT, 'write +7'],
    ['89001234567', 'write +7'],
    ['8-900-123-45-67', 'write +7'],
    [`8${NBSP}900${NBSP}123${NBSP}45${NBSP}67`, 'write +7'],
    ['8 (495) 123-45-67', 'write +7'],
    ['84951234567', 'write +7'],
    ['8 (701) 123-45-67', 'write +7'],
    ['80291234567', 'write +7'],
    ['+8 900 123-45-67', 'write +7'],
    ['+8 (495) 123-45-67', 'write +7'],
    ['+89001234567', 'write +7'],
    ['tel:89001234567', 'write +7'],
    ['8 495 123 45', 'write +7'],
    ['tel: 8 495 123 45', 'write +7'],
    ['+7 8 900 123-45-67', 'ten digits'],
    ['+7 (8900) 123-45-67', 'ten digits'],
    ['789001234567', 'ten digits'],
    ['+7 900 123-45', 'ten digits'],
    ['7 900 123 45', 'ten digits'],
    ['9001234567', 'write +7'],
    ['(916) 123-45-67', 'write +7'],
    ['9613123456', 'write +7'],
    ['+9161234567', 'international form'],
    ['4155551234', 'international form'],
    ['6505551234', 'international form'],
    ['6123456789', 'international form'],
    ['7911123456', 'ten digits'],
    ['00 7 900 123-45-67', 'zeros'],
    ['0079001234567', 'zeros'],
    ['+0079001234567', 'zeros'],
    ['07911123456', 'zeros'],
    ['0171 1234567', 'zeros'],
    ['810 7 900 123-45-67', '810'],
    ['81079001234567', '810'],
    ['+44 (0) 7911 123456', 'inside the country'],
    ['+49 0151 12345678', 'inside the country'],
    ['+7900123456', 'ten digits'],
    ['1234567', 'international form'],
    ['+1 23', 'international form'],
    ['', 'only digits'],
    ['+', 'only digits'],
    ['+210123456789', 'international form'], // no country has this code
    ['call me', 'only digits'],
    ['+7 900 CALL ME', 'only digits'],
    ['+79001234567 ext. 5', 'only digits'],
    ['+79001234567 доб. 5', 'only digits'],
    ['+79001234567;ext=5', 'only digits'],
    ['+79001234567,5', 'only digits'],
    ['+79001234567#5', 'only digits'],
    ['+79001234567/68', 'only digits'],
    ['+7900123456¹', 'only digits'],
    ['７９００１２３４５６７', 'only digits'],
    ['+٧٩٠٠١٢٣٤٥٦٧', 'only digits'],
    ['7+9001234567', 'only digits'],
    ['++79001234567', 'only digits'],
    ['+'.padEnd(100, '7'), 'international form'],
    ['+7900123456712345', 'international form'],
    ['+79001234567'.padEnd(65), 'international form'],
    ['7900tel:1234567', 'only digits'],
  ])('%j', (text, word) => {
    const reading = readPhone(text);
    expect(reading).toMatchObject({ kind: 'refused', rule: expect.stringContaining(word) });
    expect(reading).toMatchObject({ rule: expect.stringContaining('like +79001234567') });
    // The rule repeats nothing of the text.
    const digits = text.replace(/\D/g, '');
    if (digits.length > 5 && !'79001234567'.includes(digits)) expect(JSON.stringify(reading)).not.toContain(digits);
  });
});

test.each(['+21089001234567', '+8900123456712'])('%s has no country code, but is not taken for a number with the Russian 8', (text) => {
  expect(readPhone(text)).toMatchObject({ kind: 'refused', rule: expect.not.stringContaining('begins with 8') });
});

describe("an account's phone as the provider tells it", () => {
  test.each([
    ['79001234567', '79001234567'],
    ['+79001234567', '79001234567'],
    ['+7 (900) 123-45-67', '79001234567'],
    [`+7${NBSP}900${NBSP}123\u201145\u201167`, '79001234567'],
    ['79001234567@c.us', '79001234567'],
    ['79001234567@s.whatsapp.net', '79001234567'],
    ['89001234567', '79001234567'],
    ['8 (900) 123-45-67', '79001234567'],
    ['89001234567@c.us', '79001234567'],
    ['87011234567', '77011234567'],
    ['0079001234567', '79001234567'],
    ['81079001234567', '79001234567'],
    ['84951234567', '84951234567'], // Vietnam: no Russian mobile number begins like this
    ['375291234567', '375291234567'],
    ['9613123456', '9613123456'],
    ['tel:+79001234567', '79001234567'],
    [' tel:+7-900-123-45-67', '79001234567'],
    ['919161234567', '919161234567'], // India
    ['489001234567', '489001234567'], // ends like a Russian number with its 8
    ['8900123456712', '8900123456712'], // begins like one
    ['1'.repeat(20), '1'.repeat(20)],
  ])('%j is %s', (text, digits) => {
    expect(readAccountPhone(text)).toBe(digits);
  });

  test.each(['', '@c.us', 'hidden', '9001234567', '+7900123456x', '7900tel:1234567', `00${'1'.repeat(16)}`, '9'.repeat(21), '1234'])(
    '%j is not a number that can be compared',
    (text) => {
      expect(readAccountPhone(text)).toBeNull();
    },
  );
});
