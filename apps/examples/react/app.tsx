import { useState } from 'react';
import { askForLogin, type Login } from './backend.ts';
import { LoginScreen } from './login-screen.tsx';

/** A button that requests a ticket, and then the login itself. */
export function App() {
  const [login, setLogin] = useState<Login | null>(null);
  const [trouble, setTrouble] = useState('');
  if (login !== null) return <LoginScreen {...login} />;

  const begin = () => askForLogin().then(setLogin, (error: Error) => setTrouble(error.message));
  return (
    <>
      <button type="button" onClick={begin}>
        Link my MAX account
      </button>
      <p role="alert">{trouble}</p>
    </>
  );
}
