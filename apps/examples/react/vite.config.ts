import { defineConfig } from 'vite';

/** For the browser the page and its backend are one origin. The backend is the Express example. */
const BACKEND = process.env['BACKEND_URL'] ?? 'http://127.0.0.1:8080';

export default defineConfig({ server: { host: '127.0.0.1', proxy: { '/login-code': BACKEND } } });
