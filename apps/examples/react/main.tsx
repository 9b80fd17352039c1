import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';

const root = document.getElementById('root');
if (root === null) throw new Error('expected an element with the id root; index.html has it');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
