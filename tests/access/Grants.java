import java.io.BufferedReader;
import java.io.InputStreamReader;

import org.apache.kafka.tools.AclCommand;

/** Runs what kafka-acls.sh runs once for each line of standard input; a process each would take minutes. */
public class Grants {
    public static void main(String[] ignored) throws Exception {
        try (var lines = new BufferedReader(new InputStreamReader(System.in))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                AclCommand.main(line.split("\t"));
            }
        }
    }
}
