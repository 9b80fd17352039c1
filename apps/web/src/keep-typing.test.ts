import { expect, it } from 'vitest';
import { isTyping } from './keep-typing.ts';

it.each([
  ['a letter', { key: 's' }],
  ['a capital letter', { key: 'S', shiftKey: true }],
  ['a letter of another script', { key: 'ы', code: 'KeyS' }],
  ['a letter beyond the first 65,536', { key: '𝒔' }],
  ['a sign', { key: '/' }],
  ['a digit', { key: '1' }],
  ['a space', { key: ' ' }],
  ['a sign by AltGr', { key: '@', ctrlKey: true, altKey: true }],
  ['a letter by Alt, as on a Mac', { key: 'ß', altKey: true }],
  ['an accent that waits for its letter', { key: 'Dead' }],
  ['a key of an input method', { key: 'Process' }],
  ['Escape while an input method is open', { key: 'Escape', isComposing: true }],
  ['a key of a phone’s keyboard', { key: 'Unidentified' }],
  ['what autofill sends', {}],
  ['Backspace', { key: 'Backspace' }],
  ['a word to the left', { key: 'ArrowLeft', ctrlKey: true }],
  ['Enter', { key: 'Enter' }],
  ['select all', { key: 'a', ctrlKey: true }],
  ['paste on a Mac', { key: 'v', metaKey: true }],
  ['paste on a Russian keyboard', { key: 'м', code: 'KeyV', ctrlKey: true }],
  ['redo', { key: 'Z', metaKey: true, shiftKey: true }],
])('is for the field: %s', (_name, key) => {
  expect(isTyping(key)).toBe(true);
});

it.each([
  ['Tab', { key: 'Tab' }],
  ['Escape', { key: 'Escape' }],
  ['a function key', { key: 'F1' }],
  ['Shift alone', { key: 'Shift' }],
  ['a shortcut with Ctrl', { key: 'k', ctrlKey: true }],
  ['a shortcut with Cmd', { key: 's', metaKey: true }],
  ['a shortcut on a Russian keyboard', { key: 'л', code: 'KeyK', ctrlKey: true }],
  ['Ctrl, Alt and Cmd together', { key: 'k', ctrlKey: true, altKey: true, metaKey: true }],
])('is for the page: %s', (_name, key) => {
  expect(isTyping(key)).toBe(false);
});
