/**
 * Opens a session's credentials for the gateway's own calls to the provider. Their host must still
 * be allowed.
 */

import { noSuchSession, RefusedError } from '@qrcast/core/errors';
import type { Session } from '@qrcast/core/session';
import { isAllowedUpstream } from '@qrcast/core/upstream';
import type { Credentials } from '@qrcast/provider/credentials';
import { openCredentials } from '@qrcast/runtime/keyring/credentials-vault';
import type { Keyring } from '@qrcast/runtime/keyring/keyring';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';

export interface InstanceCredentialsDeps {
  readonly sessions: Pick<Sessions, 'readSealed'>;
  readonly keyring: Keyring;
  readonly upstreamHosts: readonly string[];
}

export interface InstanceCredentials {
  /**
   * Null once the session has ended for good.
   * @throws {RefusedError} `upstream_not_allowed` if the operator has removed the host.
   */
  find(session: Session): Promise<Credentials | null>;
  /** @throws {RefusedError} as `find`, and `not_found` once the session has ended for good. */
  require(session: Session): Promise<Credentials>;
}

export function createInstanceCredentials({ sessions, keyring, upstreamHosts }: InstanceCredentialsDeps): InstanceCredentials {
  async function find({ id, instanceId }: Session): Promise<Credentials | null> {
    const sealed = await sessions.readSealed(id);
    if (sealed === null) return null;
    const credentials = { instanceId, ...openCredentials(keyring, id, sealed) };
    // Checked again here, where the token leaves us. The operator may have removed the host since
    // the session was made.
    if (!isAllowedUpstream(credentials.apiUrl, upstreamHosts))
      throw new RefusedError('upstream_not_allowed', 'the operator has removed this provider host from the allow-list');
    return credentials;
  }

  return {
    find,
    async require(session) {
      const credentials = await find(session);
      if (credentials === null) throw noSuchSession();
      return credentials;
    },
  };
}
