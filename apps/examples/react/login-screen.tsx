/** A login on your own screen. The other examples use `<qrcast-login>`, which is ready to use. */

import { useSession } from '@qrcast/client/react';
import type { CallResult, Code, Session } from '@qrcast/client/types';
import { type FormEvent, useEffect, useMemo, useState } from 'react';
import { askForTicket, type Login } from './backend.ts';

export function LoginScreen({ url, ticket }: Login) {
  const { session, connection, sendPassword, resume } = useSession({ url, ticket, renewTicket: askForTicket });
  // The difference between the server's clock and this one when the session arrived.
  const clockOffsetMs = useMemo(() => (session?.serverNow ?? 0) - Date.now(), [session?.serverNow]);

  if (connection.status === 'refused') return <p role="alert">{connection.detail ?? connection.code}</p>;
  if (session === null) return <p>Connecting…</p>;
  return (
    <section data-state={session.state}>
      {connection.status === 'retrying' && <p>No connection. Trying again…</p>}
      <Step session={session} clockOffsetMs={clockOffsetMs} sendPassword={sendPassword} resume={resume} />
    </section>
  );
}

interface StepProps {
  readonly session: Session;
  readonly clockOffsetMs: number;
  readonly sendPassword: (password: string) => Promise<CallResult>;
  readonly resume: () => Promise<CallResult>;
}

function Step({ session, clockOffsetMs, sendPassword, resume }: StepProps) {
  switch (session.state) {
    case 'idle':
    case 'waiting':
      return <p>The code is on its way… {session.notice?.code}</p>;
    case 'showing':
      // Null as soon as it must not be shown any more: the client takes care of the time.
      return session.code === null ? (
        <p>The next code is on its way…</p>
      ) : (
        <CodePicture code={session.code} clockOffsetMs={clockOffsetMs} />
      );
    case 'password':
      return <PasswordForm sendPassword={sendPassword} />;
    case 'connected':
      return <p>Your account is linked.</p>;
    case 'ended':
      return (
        <p>
          Not linked: {session.end?.reason}. {session.end?.resumable && <NewCode resume={resume} />}
        </p>
      );
    default:
      return session.state satisfies never;
  }
}

function NewCode({ resume }: Pick<StepProps, 'resume'>) {
  const [trouble, setTrouble] = useState('');
  const ask = () => resume().then((result) => setTrouble(result.ok ? '' : result.error.detail));
  return (
    <>
      <button type="button" onClick={ask}>
        New code
      </button>
      <span role="alert">{trouble}</span>
    </>
  );
}

interface CodePictureProps {
  readonly code: Code;
  readonly clockOffsetMs: number;
}

function CodePicture({ code, clockOffsetMs }: CodePictureProps) {
  const secondsLeft = useSecondsUntil(code.staleAt - clockOffsetMs);
  return (
    <>
      {code.image !== null && <img src={code.image} alt="Code to scan with MAX" draggable={false} />}
      <p>Valid for {secondsLeft} s</p>
    </>
  );
}

function useSecondsUntil(moment: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return Math.max(0, Math.ceil((moment - now) / 1_000));
}

function PasswordForm({ sendPassword }: Pick<StepProps, 'sendPassword'>) {
  const [trouble, setTrouble] = useState('');
  const [isBusy, setIsBusy] = useState(false);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const field = event.currentTarget.elements.namedItem('password') as HTMLInputElement; // it is in the form below
    const password = field.value;
    field.value = '';
    setIsBusy(true);
    const result = await sendPassword(password);
    setTrouble(result.ok ? '' : result.error.detail);
    setIsBusy(false);
  }

  return (
    <form onSubmit={(event) => void submit(event)}>
      <label>
        Your account's cloud password <input type="password" name="password" autoComplete="off" required />
      </label>
      <button type="submit" disabled={isBusy}>
        Send
      </button>
      <p role="alert">{trouble}</p>
    </form>
  );
}
