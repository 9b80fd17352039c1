/**
 * What `client.js` exports: the client in one file, for a page without a bundler. It leaves out
 * React, whose pages have a bundler.
 */

export { socketIo } from './transports/socket-io.ts';
export { watchSession } from './watch-session.ts';
