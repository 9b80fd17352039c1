import { describeForwardProxy, startForwardTinyproxy } from '../test/forward-proxies.ts';

describeForwardProxy('tinyproxy', startForwardTinyproxy);
