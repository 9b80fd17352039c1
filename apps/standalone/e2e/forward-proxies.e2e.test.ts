import { describeForwardProxy, startForwardApache } from '../test/forward-proxies.ts';

describeForwardProxy('apache2', startForwardApache);
