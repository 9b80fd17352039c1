/** `<qrcast-login>` in Vue's templates and JSX. The compiler has to be told of it, too: `isCustomElement: (tag) => tag === 'qrcast-login'`. */

import type { DefineComponent, HTMLAttributes } from 'vue';
import type { LoginAttributes, LoginEvents, LoginProperties } from './element.js';

type LoginEmits = {
  [Name in keyof LoginEvents as `on${Capitalize<Name>}`]?: ((event: CustomEvent<LoginEvents[Name]>) => void) | undefined;
};
type LoginProps = Omit<HTMLAttributes, keyof LoginAttributes> & LoginAttributes & LoginProperties & LoginEmits;

declare module 'vue' {
  interface GlobalComponents {
    'qrcast-login': DefineComponent<LoginProps>;
  }
}
