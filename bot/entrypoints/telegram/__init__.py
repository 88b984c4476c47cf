"""The chat: what people ask from Telegram, and what they are told there."""
