"""The texts that users read, in English and Korean: of the reports and of the terminal."""
