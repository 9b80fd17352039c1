<?php

/**
 * Links a messenger account: creates a session, prints the page for the account's owner, and waits
 * for the outcome.
 *
 * PHP 8 with the curl extension. Exit status: 0 connected, 1 not connected, 2 a setting is missing.
 */

declare(strict_types=1);

const MAX_FAILURES = 8; // in a row
const WAIT_SECONDS = 30; // the most a request is held

function stop(int $status, string $message): never
{
    fwrite(STDERR, $message . "\n");
    exit($status);
}

function setting(string $name, ?string $default = null): string
{
    return getenv($name) ?: $default ?? stop(2, "set $name");
}

/**
 * Makes one request. Returns the status (0: no answer), the body (the fault's text if there is no
 * answer) and some headers.
 */
function send(string $method, string $path, ?array $body, ?string $etag): array
{
    $headers = ['Authorization: Bearer ' . setting('QRCAST_API_KEY')];
    if ($body !== null) {
        $headers[] = 'Content-Type: application/json';
    }
    if ($etag !== null) {
        $headers[] = "If-None-Match: $etag";
    }
    $found = ['etag' => $etag, 'retry-after' => '0'];
    $curl = curl_init(rtrim(setting('QRCAST_URL', 'http://127.0.0.1:3000'), '/') . $path);
    curl_setopt_array($curl, [
        CURLOPT_CUSTOMREQUEST => $method,
        CURLOPT_HTTPHEADER => $headers,
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => WAIT_SECONDS + 10,
        CURLOPT_HEADERFUNCTION => function ($curl, string $line) use (&$found): int {
            [$name, $value] = explode(':', $line, 2) + [1 => ''];
            $found[strtolower($name)] = trim($value);
            return strlen($line);
        },
    ]);
    if ($body !== null) {
        curl_setopt($curl, CURLOPT_POSTFIELDS, json_encode($body, JSON_THROW_ON_ERROR));
    }
    $answer = curl_exec($curl);
    return [$answer === false ? 0 : curl_getinfo($curl, CURLINFO_RESPONSE_CODE), $answer === false ? curl_error($curl) : $answer, $found];
}

/**
 * Returns the answer and its ETag. The answer is null if nothing is newer than $etag. Ends the
 * program if it is refused.
 */
function call(string $method, string $path, ?array $body = null, ?string $etag = null): array
{
    for ($failures = 0; $failures < MAX_FAILURES; $failures++) {
        [$status, $text, $headers] = send($method, $path, $body, $etag);
        if ($status === 304) {
            return [null, $etag];
        }
        $answer = json_decode($text, true);
        if ($status >= 200 && $status < 300 && is_array($answer)) {
            return [$answer, $headers['etag']];
        }
        // The gateway explains a refusal in application/problem+json; a proxy before it may not.
        $trouble = $answer['detail'] ?? ($status === 0 ? $text : "status $status");
        if ($status >= 400 && $status < 500 && $status !== 429) {
            stop(1, "refused: $trouble");
        }
        fwrite(STDERR, "$trouble; trying again\n");
        usleep((int) $headers['retry-after'] * 1_000_000 + random_int(0, min(15, 2 ** $failures) * 1_000_000));
    }
    stop(1, 'gave up after ' . MAX_FAILURES . ' tries');
}

function create(): array
{
    $body = ['instanceId' => setting('GREEN_API_ID_INSTANCE'), 'apiToken' => setting('GREEN_API_TOKEN'), 'reference' => 'order-77'];
    if (getenv('GREEN_API_URL')) {
        $body['apiUrl'] = getenv('GREEN_API_URL');
    }
    return call('POST', '/v1/sessions', $body)[0];
}

function describe(array $session): string
{
    $why = $session['notice']['code'] ?? $session['end']['reason'] ?? null;
    return $session['state'] . ($why === null ? '' : " ($why)");
}

/** Prints each new state. Returns true when connected, false when that is no longer possible. */
function watch(string $sessionId): bool
{
    $etag = $printed = null;
    while (true) {
        [$answer, $etag] = call('GET', "/v1/sessions/$sessionId?formats=text&wait=" . WAIT_SECONDS, etag: $etag);
        if ($answer === null) {
            continue;
        }
        $session = $answer['session'];
        if (describe($session) !== $printed) {
            $printed = describe($session);
            echo "$printed\n";
        }
        if ($session['state'] === 'connected') {
            return true;
        }
        if ($session['state'] === 'ended' && !$session['end']['resumable']) {
            return false;
        }
    }
}

$created = create();
echo "page: {$created['pageUrl']}\n";
exit(watch($created['session']['id']) ? 0 : 1);
