/**
 * `<qrcast-login>` in Vue's templates. Vue's compiler needs `isCustomElement: (tag) => tag ===
 * 'qrcast-login'` as well.
 */

import type { DefineComponent, HTMLAttributes } from 'vue';
import type { LoginAttributes, LoginEvents, LoginProperties } from './element.js';

/** Vue checks names in this form. */
type Camel<Name extends string> = Name extends `${infer Head}-${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : Name;

type LoginProps = Omit<HTMLAttributes, keyof LoginAttributes> &
  LoginProperties & { [Name in keyof LoginAttributes as Camel<Name>]: LoginAttributes[Name] } & {
    [Name in keyof LoginEvents as `on${Capitalize<Camel<Name>>}`]?: ((event: CustomEvent<LoginEvents[Name]>) => void) | undefined;
  };

declare module 'vue' {
  interface GlobalComponents {
    'qrcast-login': DefineComponent<LoginProps>;
  }
}
