/**
 * The page's own scheme: fovea://app/ gives the built renderer and, below media/, pictures of open projects. Every
 * other host, method and path is refused.
 */
import { protocol, type Session } from 'electron';
import { failure, type Content, type ContentResponse } from '../content.ts';

export const appScheme = 'fovea';
export const appOrigin = `${appScheme}://app`;
export const appUrl = `${appOrigin}/`;

/** Must be called before Electron is ready. */
export function registerAppScheme(): void {
  const privileges = { standard: true, secure: true, supportFetchAPI: true, codeCache: true };
  protocol.registerSchemesAsPrivileged([{ scheme: appScheme, privileges }]);
}

export function serveAppScheme(session: Session, content: Content): void {
  session.protocol.handle(appScheme, async (request) => {
    const { status, headers, body } = await answer(request, content);
    return new Response(body, { status, headers });
  });
}

async function answer(request: GlobalRequest, content: Content): Promise<ContentResponse> {
  if (request.method !== 'GET') return failure(405, 'Only GET is served.');
  const url = new URL(request.url);
  return url.host === 'app' ? content(url.pathname) : failure(404, 'No such address.');
}
