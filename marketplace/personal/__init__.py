"""What is kept of a person, told to that person: a copy to take along (个人信息保护法 第四十五条)."""
