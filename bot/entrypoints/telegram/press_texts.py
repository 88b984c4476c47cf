"""The few words that a press of a button is answered with. Pure, like `texts`."""

BEFORE_THE_MOVE = "This message is from before the group moved. Send the command again."
UNKNOWN_BUTTON = "I do not know that button any more."
