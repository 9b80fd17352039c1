/** What `client.js` exports: the client in one file, for a page without a bundler. React pages have one. */

export { socketIo } from './transports/socket-io.ts';
export { watchSession } from './watch-session.ts';
