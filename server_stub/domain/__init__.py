"""The server's judgement, pure: time is an argument, and nothing here touches the outside."""
