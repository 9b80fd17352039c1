import { defineConfig } from 'vite';

/** The page and its backend are one origin to the browser; the backend is the Express example. */
const BACKEND = process.env['BACKEND_URL'] ?? 'http://127.0.0.1:8080';

export default defineConfig({ server: { host: '127.0.0.1', proxy: { '/login-code': BACKEND } } });
