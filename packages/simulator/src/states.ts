/**
 * The states of a simulated instance.
 *
 *   creating ─► notAuthorized ◄──────── starting ◄── logout, reboot, setSettings
 *                │   ▲  │
 *           scan │   │  │ scan of an account with a cloud password
 *                ▼   │  ▼
 *        authorized ◄┴─ pendingPassword        blocked, suspended, suspendedUnlinked, unknown: only by `setState`
 */
export const INSTANCE_STATES = [
  'creating',
  'starting',
  'notAuthorized',
  'authorized',
  'blocked',
  'suspended',
  'suspendedUnlinked',
  'pendingPassword',
  'unknown',
] as const;

export type InstanceState = (typeof INSTANCE_STATES)[number];

/** The `stateInstance` of `unknown`: a state that no client knows. */
export const UNHEARD_OF_STATE = 'hibernating';

/**
 * The `stateInstance` of a state; null while the instance is being created (the whole body is null
 * then).
 */
export function wireState(state: InstanceState): string | null {
  if (state === 'creating') return null;
  if (state === 'suspendedUnlinked') return 'suspended';
  return state === 'unknown' ? UNHEARD_OF_STATE : state;
}

/**
 * Whether an account is linked. A suspended MAX account stays linked, because it may still write to
 * saved contacts. By mistake the provider also suspended instances that had lost their login
 * (`suspendedUnlinked`).
 */
export function isLinked(state: InstanceState): boolean {
  return state === 'authorized' || state === 'suspended';
}
