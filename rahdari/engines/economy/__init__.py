"""What the plan costs, year by year and district by district, and what it means for people."""
