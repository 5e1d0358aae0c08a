"""What a handle asks its PBX for, beside what the line tells by itself."""
