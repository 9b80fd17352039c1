import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Links a messenger account: creates a session, prints the page for the account's owner, and reads
 * the session's stream of Server-Sent Events until the outcome.
 *
 * Java 17, no libraries: java Main.java. Exit status: 0 connected, 1 not connected, 2 a setting is
 * missing.
 */
public class Main {
    static final int MAX_FAILURES = 8; // in a row

    // HTTP/1.1: without TLS this client asks for an upgrade to HTTP/2 with every request.
    static final HttpClient HTTP =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(Duration.ofSeconds(10)).build();

    public static void main(String[] args) throws InterruptedException {
        try {
            String created = create();
            System.out.println("page: " + field(created, "pageUrl"));
            System.exit(watch(field(created, "id")) ? 0 : 1);
        } catch (Refused refused) {
            System.err.println(refused.getMessage());
            System.exit(1);
        }
    }

    /** Can be repeated: while the session is live, the same call returns it again. */
    static String create() throws InterruptedException {
        String apiUrl = System.getenv("GREEN_API_URL");
        String body = "{\"instanceId\": \"" + setting("GREEN_API_ID_INSTANCE", null) + "\", \"apiToken\": \""
                + setting("GREEN_API_TOKEN", null) + "\", \"reference\": \"order-77\""
                + (apiUrl == null ? "" : ", \"apiUrl\": \"" + apiUrl + "\"") + "}";
        HttpRequest request = request("/v1/sessions")
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
        Backoff backoff = new Backoff();
        while (true) {
            try (InputStream answer = send(request)) {
                return new String(answer.readAllBytes(), StandardCharsets.UTF_8);
            } catch (IOException fault) {
                backoff.pause(fault);
            }
        }
    }

    /**
     * Prints each new state. Returns true when connected, false when that is no longer possible.
     */
    static boolean watch(String id) throws InterruptedException {
        String version = "0"; // of the newest state: where to continue after a lost connection
        String printed = "";
        Backoff backoff = new Backoff();
        while (true) {
            HttpRequest request = request("/v1/sessions/" + id + "/events?formats=text").header("Last-Event-ID", version).build();
            try (Events events = new Events(send(request))) {
                for (Event event = events.next(); event != null; event = events.next()) {
                    backoff.failures = 0;
                    if (!event.id().isEmpty()) version = event.id();
                    if (event.name().equals("closing")) throw closed(event.data());
                    if (!event.name().equals("session")) continue; // fresh: the same code was confirmed; draining: closing follows
                    if (!describe(event.data()).equals(printed)) System.out.println(printed = describe(event.data()));
                    if (field(event.data(), "state").equals("connected")) return true;
                    if (says(event.data(), "resumable", "false")) return false;
                }
                throw new IOException("the stream was cut");
            } catch (IOException fault) {
                backoff.pause(fault);
            }
        }
    }

    static String describe(String session) {
        String notice = field(session, "code"); // the code to scan is an object and not a text
        String why = notice == null ? field(session, "reason") : notice;
        return field(session, "state") + (why == null ? "" : " (" + why + ")");
    }

    static String setting(String name, String otherwise) {
        String value = System.getenv().getOrDefault(name, otherwise);
        if (value == null) {
            System.err.println("set " + name);
            System.exit(2);
        }
        return value;
    }

    static HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(setting("QRCAST_URL", "http://127.0.0.1:3000").replaceFirst("/$", "") + path))
                .timeout(Duration.ofSeconds(20)) // until the answer begins
                .header("Authorization", "Bearer " + setting("QRCAST_API_KEY", null));
    }

    /**
     * Returns the body of a good answer. Throws Refused if trying again cannot help, else Trouble.
     */
    static InputStream send(HttpRequest request) throws IOException, InterruptedException {
        HttpResponse<InputStream> response = HTTP.send(request, HttpResponse.BodyHandlers.ofInputStream());
        int status = response.statusCode();
        if (status < 300) return response.body();
        // The gateway explains a refusal in application/problem+json; a proxy before it may not.
        String trouble = field(new String(response.body().readAllBytes(), StandardCharsets.UTF_8), "detail");
        if (trouble == null) trouble = "status " + status;
        if (status < 500 && status != 429) throw new Refused("refused: " + trouble);
        String retryAfter = response.headers().firstValue("Retry-After").filter((value) -> value.matches("\\d{1,5}")).orElse("0");
        throw new Trouble(trouble, 1_000L * Integer.parseInt(retryAfter));
    }

    /** Reads the last event of a stream: reconnect or not. */
    static Trouble closed(String closing) {
        String reason = "closed: " + field(closing, "code");
        if (says(closing, "retryable", "false")) throw new Refused(reason);
        Matcher hint = Pattern.compile("\"retryAfterMs\"\\s*:\\s*(\\d{1,9})").matcher(closing);
        return new Trouble(reason, hint.find() ? Long.parseLong(hint.group(1)) : 0);
    }

    static class Refused extends RuntimeException {
        Refused(String message) {
            super(message);
        }
    }

    static class Trouble extends IOException {
        final long retryAfterMs;

        Trouble(String message, long retryAfterMs) {
            super(message);
            this.retryAfterMs = retryAfterMs;
        }
    }

    /**
     * Random pauses between tries, longer each time and never shorter than the gateway asked for.
     */
    static class Backoff {
        int failures = 0;

        void pause(IOException fault) throws InterruptedException {
            System.err.println(Objects.requireNonNullElse(fault.getMessage(), fault) + "; trying again");
            if (failures == MAX_FAILURES) throw new Refused("gave up after " + MAX_FAILURES + " tries");
            long floor = fault instanceof Trouble trouble ? trouble.retryAfterMs : 0;
            Thread.sleep(floor + ThreadLocalRandom.current().nextLong(Math.min(15_000, 1_000L << failures++)));
        }
    }

    record Event(String name, String id, String data) {}

    /** Reads the events of a stream one after another. */
    static class Events implements AutoCloseable {
        static final int SILENCE_SECONDS = 40; // the gateway sends something every 15 s, so after this the connection is dead
        static final ScheduledExecutorService CLOCK = Executors.newSingleThreadScheduledExecutor();

        final InputStream body;
        final BufferedReader lines;

        Events(InputStream body) {
            this.body = body;
            this.lines = new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8));
        }

        /** Returns null at the end of the stream. */
        Event next() throws IOException {
            String name = "message", id = "", data = "";
            for (String line = nextLine(); line != null; line = nextLine()) {
                if (line.startsWith("event: ")) name = line.substring(7);
                else if (line.startsWith("id: ")) id = line.substring(4);
                else if (line.startsWith("data: ")) data += line.substring(6);
                else if (line.isEmpty() && !data.isEmpty()) return new Event(name, id, data);
            }
            return null;
        }

        private String nextLine() throws IOException {
            // A read on a dead connection does not end by itself. Closing the stream ends it.
            Future<?> alarm = CLOCK.schedule(() -> { close(); return null; }, SILENCE_SECONDS, TimeUnit.SECONDS);
            try {
                return lines.readLine();
            } finally {
                alarm.cancel(false);
            }
        }

        @Override
        public void close() throws IOException {
            body.close();
        }
    }

    /**
     * The text under this name in the JSON; null if there is none. This works without a parser,
     * because quotes inside a text are escaped, so a name between two bare quotes is always a name.
     * If you have a JSON library, use it.
     */
    static String field(String json, String name) {
        Matcher found = Pattern.compile("\"" + name + "\"\\s*:\\s*\"((?:[^\"\\\\]|\\\\.)*)\"").matcher(json);
        return found.find() ? found.group(1).replace("\\\"", "\"") : null;
    }

    static boolean says(String json, String name, String literal) {
        return Pattern.compile("\"" + name + "\"\\s*:\\s*" + literal + "\\b").matcher(json).find();
    }
}
