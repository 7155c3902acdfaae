"""What several rooms of the command line need: options, output, errors."""
