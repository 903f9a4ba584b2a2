import ca.uhn.hl7v2.DefaultHapiContext;
import ca.uhn.hl7v2.HL7Exception;
import ca.uhn.hl7v2.app.HL7Service;
import ca.uhn.hl7v2.llp.ExtendedMinLowerLayerProtocol;
import ca.uhn.hl7v2.model.Message;
import ca.uhn.hl7v2.protocol.ReceivingApplication;
import ca.uhn.hl7v2.util.Terser;
import ca.uhn.hl7v2.validation.impl.ValidationContextFactory;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;

/** Receives HL7 v2 over MLLP with HAPI, acknowledges, and prints each message as HAPI has read it. The first line is its port. */
public class Receiver {
  public static void main(String[] args) throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    DefaultHapiContext context = new DefaultHapiContext();
    context.setValidationContext(ValidationContextFactory.defaultValidation());
    context.setLowerLayerProtocol(new ExtendedMinLowerLayerProtocol()); // reads in the character set that MSH-18 names
    HL7Service server = context.newServer(port, false);
    server.registerApplication(new ReceivingApplication<Message>() {
      public boolean canProcess(Message m) { return true; }

      public Message processMessage(Message m, Map<String, Object> meta) throws HL7Exception {
        Terser t = new Terser(m);
        String again = Base64.getEncoder().encodeToString(m.encode().getBytes(StandardCharsets.UTF_8));
        String text = Base64.getEncoder().encodeToString(t.get("/.OBX-5").getBytes(StandardCharsets.UTF_8));
        System.out.println(m.getVersion() + " " + t.get("/.MSH-9-2") + " " + t.get("/.MSH-10") + " " + t.get("/.PID-3-1") + " " + text + " " + again);
        try {
          return m.generateACK();
        } catch (IOException e) {
          throw new HL7Exception(e);
        }
      }
    });
    server.startAndWait();
    System.out.println(port);
    System.in.read(); // whoever started it ends it by closing this
    server.stop();
    context.close();
    System.exit(0);
  }
}
