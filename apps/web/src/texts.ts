/**
 * Every word of the page, in every language of it. The tables are typed by the protocol's own words: a notice, an end or a close without
 * a text does not compile. Texts are for the person with the phone, who knows neither gateway nor provider: what happened, what to do.
 */

import type { WireSession } from '@qrcast/core/wire';
import type { RefusalCode } from './retry.ts';

export type NoticeCode = NonNullable<WireSession['notice']>['code'];
export type EndReason = NonNullable<WireSession['end']>['reason'];

/** Refused calls that a person can do something about; the rest share `other`. */
export type CallFailure = 'password_rejected' | 'too_many_requests' | 'forbidden' | 'not_resumable' | 'unavailable' | 'other';

export interface Headline {
  readonly title: string;
  readonly detail: string;
}

export interface Texts {
  readonly page: string;
  readonly connecting: Headline;
  /** By session state; `renewing`: the last code ran out and the next is not here. */
  readonly idle: Headline;
  readonly waiting: Headline;
  readonly renewing: Headline;
  readonly showing: Headline;
  readonly password: Headline;
  readonly connected: Headline;
  readonly notices: Readonly<Record<NoticeCode, string>>;
  readonly ends: Readonly<Record<EndReason, Headline>>;
  readonly closes: Readonly<Record<RefusalCode, Headline>>;
  readonly calls: Readonly<Record<CallFailure, string>>;
  readonly lost: string;
  readonly retryNow: string;
  readonly retryIn: (seconds: number) => string;
  readonly validFor: (seconds: number) => string;
  readonly codeAlt: string;
  readonly steps: readonly [string, string, string];
  readonly passwordLabel: string;
  readonly passwordSend: string;
  readonly passwordSending: string;
  readonly newCode: string;
  readonly newCodeSending: string;
  readonly phoneEnding: (digits: string) => string;
}

export type Language = 'en' | 'ru';

const EN: Texts = {
  page: 'Link MAX',
  connecting: { title: 'One moment', detail: 'Connecting…' },
  idle: { title: 'One moment', detail: 'Asking MAX for a login code…' },
  waiting: { title: 'One moment', detail: 'Asking MAX for a login code…' },
  renewing: { title: 'Renewing the code', detail: 'The last code has expired. A new one is on its way.' },
  showing: { title: 'Scan the code with MAX', detail: 'It renews by itself.' },
  password: { title: 'Enter your MAX password', detail: 'The code was scanned. This account is also protected by a password.' },
  connected: { title: 'Connected', detail: 'Your MAX account is linked. You can close this page.' },
  notices: {
    instance_starting: 'The account slot is starting. This can take a minute or two.',
    provider_not_ready: 'MAX is not ready yet. We keep asking.',
    provider_timeout: 'MAX is answering slowly. We keep asking.',
    provider_refused: 'MAX did not accept the request. We try again.',
    provider_unreachable: 'MAX cannot be reached right now. We keep trying.',
    provider_error: 'MAX has a problem right now. We keep trying.',
    rate_limited: 'MAX asked us to slow down. We try again shortly.',
    password_rejected: 'This password was not accepted. Check it and try again.',
    password_rate_limited: 'Too many attempts. Wait a little, then try again.',
  },
  ends: {
    deadline: { title: 'Time is up', detail: 'The code was not scanned in time. Get a new one when your phone is at hand.' },
    provider_down: { title: 'MAX is not answering', detail: 'No code could be had for some time. Try again in a few minutes.' },
    cancelled: {
      title: 'Login cancelled',
      detail: 'It was stopped by the site that sent you here. Start again there if you still need it.',
    },
    credentials_rejected: {
      title: 'This login cannot go on',
      detail: 'The account slot has wrong access data. Tell the site that sent you here.',
    },
    instance_deleted: {
      title: 'This login cannot go on',
      detail: 'The account slot no longer exists. Start again on the site that sent you here.',
    },
    instance_expired: {
      title: 'This login cannot go on',
      detail: 'The account slot is no longer paid for. Tell the site that sent you here.',
    },
    instance_blocked: {
      title: 'Account blocked',
      detail: 'MAX has blocked this account. Open MAX on your phone to see why, or use another account.',
    },
    account_mismatch: {
      title: 'Another account was linked',
      detail: 'The code was scanned with a different phone number than expected. Start again with the right phone.',
    },
    expired: { title: 'This login has expired', detail: 'Start again on the site that sent you here.' },
  },
  closes: {
    done: { title: 'This login is finished', detail: 'You can close this page.' },
    draining: { title: 'The service is being updated. Trying again…', detail: 'This takes a few seconds.' },
    unavailable: { title: 'The service is busy. Trying again…', detail: 'There is nothing you need to do.' },
    slow_consumer: { title: 'The connection is slow. Trying again…', detail: 'Move closer to your router or try another network.' },
    too_many_requests: { title: 'Too many requests. Trying again…', detail: 'Close other tabs with this page.' },
    invalid_message: { title: 'This page is out of date', detail: 'Reload it to go on.' },
    unauthenticated: { title: 'This link is not valid', detail: 'Go back to the site that sent you here and get a new link.' },
    forbidden: { title: 'This link does not allow this', detail: 'Go back to the site that sent you here and get a new link.' },
    not_found: { title: 'This login no longer exists', detail: 'Start again on the site that sent you here.' },
    session_expired: { title: 'This login has expired', detail: 'Start again on the site that sent you here.' },
    ticket_expired: { title: 'This link has expired', detail: 'Go back to the site that sent you here and get a new link.' },
    ticket_revoked: { title: 'This link was withdrawn', detail: 'Go back to the site that sent you here and get a new link.' },
    subscribe_timeout: { title: 'The connection took too long', detail: 'Reload this page to try again.' },
    message_too_large: { title: 'This page sent too much', detail: 'Reload it to go on.' },
    origin_not_allowed: { title: 'This link does not work here', detail: 'Open it on the site that sent you here.' },
    no_ticket: {
      title: 'This link is not complete',
      detail: 'Open the whole link again, or get a new one from the site that sent you here.',
    },
    unknown: {
      title: 'Something went wrong',
      detail: 'Reload this page. If it happens again, get a new link from the site that sent you here.',
    },
  },
  calls: {
    password_rejected: 'This password was not accepted. Check it and try again.',
    too_many_requests: 'Too many attempts. Wait a little, then try again.',
    forbidden: 'This link does not allow that. Get a new link from the site that sent you here.',
    not_resumable: 'This login cannot go on. Start again on the site that sent you here.',
    unavailable: 'That did not get through. Try again.',
    other: 'That did not work. Try again.',
  },
  lost: 'Connection lost, trying again…',
  retryNow: 'Trying now…',
  retryIn: (seconds) => `Next try in ${seconds} s`,
  validFor: (seconds) => `Valid for ${seconds} s`,
  codeAlt: 'QR code to log in to MAX',
  steps: ['Open MAX on your phone', 'Go to Profile\u00a0→ Devices\u00a0→ Log in by QR\u00a0code', 'Point the camera at this code'],
  passwordLabel: 'Password',
  passwordSend: 'Continue',
  passwordSending: 'Checking…',
  newCode: 'New code',
  newCodeSending: 'One moment…',
  phoneEnding: (digits) => `Phone number ending in ${digits}`,
};

const RU: Texts = {
  page: 'Подключение MAX',
  connecting: { title: 'Секунду', detail: 'Подключаемся…' },
  idle: { title: 'Секунду', detail: 'Запрашиваем у MAX код для входа…' },
  waiting: { title: 'Секунду', detail: 'Запрашиваем у MAX код для входа…' },
  renewing: { title: 'Обновляем код', detail: 'Прежний код устарел, новый скоро появится.' },
  showing: { title: 'Отсканируйте код в MAX', detail: 'Он обновляется сам.' },
  password: { title: 'Введите пароль MAX', detail: 'Код отсканирован. Этот аккаунт дополнительно защищён паролем.' },
  connected: { title: 'Готово', detail: 'Аккаунт MAX подключён. Страницу можно закрыть.' },
  notices: {
    instance_starting: 'Аккаунт запускается. Это может занять одну-две минуты.',
    provider_not_ready: 'MAX ещё не готов. Продолжаем запрашивать.',
    provider_timeout: 'MAX отвечает медленно. Продолжаем запрашивать.',
    provider_refused: 'MAX отклонил запрос. Пробуем ещё раз.',
    provider_unreachable: 'MAX сейчас недоступен. Продолжаем попытки.',
    provider_error: 'В MAX сейчас неполадки. Продолжаем попытки.',
    rate_limited: 'MAX просит подождать. Скоро попробуем снова.',
    password_rejected: 'Пароль не подошёл. Проверьте его и попробуйте ещё раз.',
    password_rate_limited: 'Слишком много попыток. Подождите немного и попробуйте снова.',
  },
  ends: {
    deadline: { title: 'Время вышло', detail: 'Код не успели отсканировать. Получите новый, когда телефон будет под рукой.' },
    provider_down: { title: 'MAX не отвечает', detail: 'Получить код долго не удавалось. Попробуйте через несколько минут.' },
    cancelled: { title: 'Вход отменён', detail: 'Его остановил сайт, с которого вы пришли. Если вход ещё нужен, начните там заново.' },
    credentials_rejected: { title: 'Войти не получится', detail: 'Неверны данные доступа. Сообщите об этом сайту, с которого вы пришли.' },
    instance_deleted: { title: 'Войти не получится', detail: 'Это подключение удалено. Начните заново на сайте, с которого вы пришли.' },
    instance_expired: { title: 'Войти не получится', detail: 'Подключение не оплачено. Сообщите об этом сайту, с которого вы пришли.' },
    instance_blocked: {
      title: 'Аккаунт заблокирован',
      detail: 'MAX заблокировал этот аккаунт. Откройте MAX на телефоне, чтобы узнать причину, или возьмите другой аккаунт.',
    },
    account_mismatch: {
      title: 'Подключён другой аккаунт',
      detail: 'Код отсканировали не с того номера, который ожидался. Начните заново с нужным телефоном.',
    },
    expired: { title: 'Срок входа истёк', detail: 'Начните заново на сайте, с которого вы пришли.' },
  },
  closes: {
    done: { title: 'Вход завершён', detail: 'Страницу можно закрыть.' },
    draining: { title: 'Сервис обновляется. Пробуем ещё раз…', detail: 'Это займёт несколько секунд.' },
    unavailable: { title: 'Сервис занят. Пробуем ещё раз…', detail: 'От вас ничего не требуется.' },
    slow_consumer: { title: 'Медленное соединение. Пробуем ещё раз…', detail: 'Подойдите ближе к роутеру или смените сеть.' },
    too_many_requests: { title: 'Слишком много запросов. Пробуем ещё раз…', detail: 'Закройте другие вкладки с этой страницей.' },
    invalid_message: { title: 'Страница устарела', detail: 'Обновите её, чтобы продолжить.' },
    unauthenticated: { title: 'Ссылка недействительна', detail: 'Вернитесь на сайт, с которого вы пришли, и получите новую ссылку.' },
    forbidden: { title: 'Ссылка этого не разрешает', detail: 'Вернитесь на сайт, с которого вы пришли, и получите новую ссылку.' },
    not_found: { title: 'Такого входа больше нет', detail: 'Начните заново на сайте, с которого вы пришли.' },
    session_expired: { title: 'Срок входа истёк', detail: 'Начните заново на сайте, с которого вы пришли.' },
    ticket_expired: { title: 'Срок ссылки истёк', detail: 'Вернитесь на сайт, с которого вы пришли, и получите новую ссылку.' },
    ticket_revoked: { title: 'Ссылка отозвана', detail: 'Вернитесь на сайт, с которого вы пришли, и получите новую ссылку.' },
    subscribe_timeout: { title: 'Подключение заняло слишком много времени', detail: 'Обновите страницу, чтобы попробовать ещё раз.' },
    message_too_large: { title: 'Страница отправила слишком много', detail: 'Обновите её, чтобы продолжить.' },
    origin_not_allowed: { title: 'Здесь ссылка не работает', detail: 'Откройте её на сайте, с которого вы пришли.' },
    no_ticket: { title: 'Ссылка неполная', detail: 'Откройте ссылку целиком или получите новую на сайте, с которого вы пришли.' },
    unknown: {
      title: 'Что-то пошло не так',
      detail: 'Обновите страницу. Если не поможет, получите новую ссылку на сайте, с которого вы пришли.',
    },
  },
  calls: {
    password_rejected: 'Пароль не подошёл. Проверьте его и попробуйте ещё раз.',
    too_many_requests: 'Слишком много попыток. Подождите немного и попробуйте снова.',
    forbidden: 'Ссылка этого не разрешает. Получите новую на сайте, с которого вы пришли.',
    not_resumable: 'Продолжить этот вход нельзя. Начните заново на сайте, с которого вы пришли.',
    unavailable: 'Запрос не дошёл. Попробуйте ещё раз.',
    other: 'Не получилось. Попробуйте ещё раз.',
  },
  lost: 'Соединение потеряно, пробуем ещё раз…',
  retryNow: 'Пробуем сейчас…',
  retryIn: (seconds) => `Следующая попытка через ${seconds} с`,
  validFor: (seconds) => `Действует ещё ${seconds} с`,
  codeAlt: 'QR-код для входа в MAX',
  steps: ['Откройте MAX на телефоне', 'Зайдите в Профиль\u00a0→ Устройства\u00a0→ Войти по\u00a0QR-коду', 'Наведите камеру на этот код'],
  passwordLabel: 'Пароль',
  passwordSend: 'Продолжить',
  passwordSending: 'Проверяем…',
  newCode: 'Новый код',
  newCodeSending: 'Секунду…',
  phoneEnding: (digits) => `Номер телефона оканчивается на ${digits}`,
};

export const TEXTS: Readonly<Record<Language, Texts>> = { en: EN, ru: RU };

/**
 * @param search the page's query: `?lang=` wins if the page speaks it
 * @param preferred the browser's language, like `ru-RU`
 */
export function chooseLanguage(search: string, preferred: string): Language {
  return toLanguage(new URLSearchParams(search).get('lang')) ?? toLanguage(preferred) ?? 'en';
}

function toLanguage(tag: string | null): Language | null {
  const language = tag?.toLowerCase().split('-')[0];
  return language === 'en' || language === 'ru' ? language : null;
}
