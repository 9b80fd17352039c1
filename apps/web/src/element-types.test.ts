// @vitest-environment happy-dom

/**
 * The types that `@qrcast/client` publishes for the element say what the element does. The compiler
 * checks most of it.
 */

import type { LoginAttributes, LoginEvents, LoginRefusal, LoginScreen, QrcastLoginElement } from '@qrcast/client/element';
import { expect, expectTypeOf, it } from 'vitest';
import type { Language } from './languages.ts';
import { LoginElement } from './login-element.ts';
import type { LoginEvent, LoginEventDetails } from './login-events.ts';
import type { Refusal, Texts } from './texts.ts';
import type { ScreenState, View } from './view.ts';

type Own = 'ticket' | 'url' | 'autoReturn' | 'ownsPage' | 'renewTicket' | 'refusal' | 'resume' | 'startOver';

it('has the published properties, methods and events', () => {
  expectTypeOf<Exclude<keyof QrcastLoginElement, keyof HTMLElement>>().toEqualTypeOf<Own>();
  expectTypeOf<Pick<QrcastLoginElement, Own>>().toEqualTypeOf<Pick<LoginElement, Own>>();
  expectTypeOf<LoginScreen['state']>().toEqualTypeOf<ScreenState>();
  expectTypeOf<LoginScreen['version']>().toEqualTypeOf<View['version']>();
  expectTypeOf<LoginScreen['direction']>().toEqualTypeOf<Texts['direction']>();
  expectTypeOf<LoginScreen['language']>().toEqualTypeOf<Language>();
  expectTypeOf<LoginRefusal>().toEqualTypeOf<Refusal>();
  expectTypeOf<keyof Texts['refusals']>().toEqualTypeOf<LoginRefusal>();
  expectTypeOf<Omit<LoginEvents, 'qrcast-state'>>().toEqualTypeOf<LoginEventDetails>();
  expectTypeOf<LoginEvents['qrcast-state']>().toEqualTypeOf<LoginScreen>();
  expectTypeOf<LoginEvent['type']>().toEqualTypeOf<Exclude<keyof LoginEvents, 'qrcast-state'>>();
  const reactive = Object.keys(LoginElement.properties).filter((name) => name !== 'lang'); // every element has one
  expect(reactive).toEqual(['ticket', 'url', 'autoReturn', 'ownsPage', 'renewTicket', 'refusal'] satisfies Own[]);
});

it('watches the published attributes; its style reads `theme`', () => {
  const published: Record<Exclude<keyof LoginAttributes, 'theme'>, true> = {
    ticket: true,
    url: true,
    lang: true,
    'auto-return': true,
    'owns-page': true,
  };
  expect(LoginElement.observedAttributes).toEqual(Object.keys(published));
});
