/**
 * The rival of the login page: it asks the provider itself, again and again, and shows the picture.
 * It has no texts, no session, no password and no reconnect, and whoever opens it needs the token.
 */

export const BARE_PAGE_PATH = '/bare';

export const BARE_PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>Code</title>
    <link rel="icon" href="data:," />
  </head>
  <body>
    <img id="code" alt="" decoding="sync" />
    <script>
      async function show() {
        const answer = await fetch(location.hash.slice(1));
        const { message } = await answer.json();
        document.querySelector('#code').src = 'data:image/png;base64,' + message;
        setTimeout(show, 5000);
      }
      show();
    </script>
  </body>
</html>
`;
