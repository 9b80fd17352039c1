/** Everything that can be done with a session, whatever transport the caller uses. */

import type { ConnectedInstances } from '@qrcast/runtime/connected/connected';
import { createConnectedInstances } from '@qrcast/runtime/connected/connected-instances';
import { createInstanceHolds, type InstanceHolds } from '@qrcast/runtime/polling/instance-hold';
import { createInstanceCredentials, type InstanceCredentials } from '../sessions/instance-credentials.ts';
import { createPasswordStep, type PasswordStep } from '../sessions/password-step.ts';
import { createSessionIndex, type SessionIndex } from '../sessions/session-index.ts';
import { createSessionLookup, type SessionLookup } from '../sessions/session-lookup.ts';
import { createSessionService, type SessionService } from '../sessions/session-service.ts';
import { showSession } from '../sessions/session-view.ts';
import { createStartOver, type StartOver } from '../sessions/start-over.ts';
import { openViewerCounts, type ViewerCounts } from '../sessions/visible-viewers.ts';
import { createWatching, type Watching } from '../sessions/watching.ts';
import type { Shared } from './shared.ts';
import type { Tenancy } from './tenancy.ts';

export interface SessionParts {
  readonly index: SessionIndex;
  readonly watching: Watching;
  readonly viewerCounts: ViewerCounts;
  readonly service: SessionService;
  readonly passwordStep: PasswordStep;
  readonly startOver: StartOver;
  readonly instanceCredentials: InstanceCredentials;
  readonly connected: ConnectedInstances;
  readonly holds: InstanceHolds;
  /** Finds the session that a path names. */
  readonly sessionLookup: SessionLookup;
  /** The same for routes that show the code: a look-up that reads is recorded as a watch. */
  readonly theirSession: SessionLookup;
}

export function openSessionParts(shared: Shared, tenancy: Tenancy): SessionParts {
  const { audited, sessions, lastsMs } = shared;
  const index = createSessionIndex(shared);
  const watching = createWatching({ ...shared, graceMs: lastsMs });
  const viewerCounts = openViewerCounts(shared);
  shared.releasers.push('viewer counts', () => viewerCounts.close());
  const service = audited.service(createSessionService({ ...shared, ...tenancy, index, watching, viewerCounts }));
  const instanceCredentials = createInstanceCredentials(shared);
  const passwordStep = audited.passwordStep(createPasswordStep({ ...shared, watching, instanceCredentials }));
  const connected = createConnectedInstances(shared);
  const holds = createInstanceHolds(shared);
  const show = (sessionId: string) => showSession({ sessions, service }, sessionId);
  const startOver = audited.startOver(createStartOver({ ...shared, watching, connected, holds, instanceCredentials, show }));
  const sessionLookup = createSessionLookup({ auth: tenancy.auth, sessions, service });
  return {
    ...{ index, watching, viewerCounts, service, passwordStep, startOver, instanceCredentials, connected, holds, sessionLookup },
    theirSession: audited.theirSession(sessionLookup),
  };
}
