"""One file per dataset, named as names write it; ``DATA`` says where its images lie and how they are cut."""
