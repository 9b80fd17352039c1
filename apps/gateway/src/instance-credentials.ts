/** What the gateway's own calls to the provider need: the opened credentials of a session, for a host that is still allowed. */

import { RefusedError } from '@qrcast/core/errors';
import type { Session } from '@qrcast/core/session';
import { isAllowedUpstream } from '@qrcast/core/upstream';
import type { Credentials } from '@qrcast/provider/credentials';
import { openCredentials } from '@qrcast/runtime/credentials-vault';
import type { Keyring } from '@qrcast/runtime/keyring';
import type { Sessions } from '@qrcast/runtime/sessions';

export interface InstanceCredentialsDeps {
  readonly sessions: Pick<Sessions, 'readSealed'>;
  readonly keyring: Keyring;
  readonly upstreamHosts: readonly string[];
}

/** @throws {RefusedError} `not_found` once the session has ended for good; `upstream_not_allowed` if the operator has removed the host. */
export type InstanceCredentials = (session: Session) => Promise<Credentials>;

export function createInstanceCredentials({ sessions, keyring, upstreamHosts }: InstanceCredentialsDeps): InstanceCredentials {
  return async (session) => {
    const sealed = await sessions.readSealed(session.id);
    if (sealed === null) throw new RefusedError('not_found', 'there is no such session, or it is not yours');
    const credentials = { instanceId: session.instanceId, ...openCredentials(keyring, session.id, sealed) };
    if (!isAllowedUpstream(credentials.apiUrl, upstreamHosts))
      throw new RefusedError('upstream_not_allowed', 'the operator has taken this provider host off the list');
    return credentials;
  };
}
